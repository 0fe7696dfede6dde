import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PathError } from '../../core/base/errors.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { ModelError, ModelTree, modelLines } from '../support/trees/model-tree.ts';
import { at, contentOf, octets, readText, treeLines } from '../support/trees/tree-lines.ts';
import type { PickedOperation } from '../support/trees/tree-operations.ts';
import { applyToModel, applyToTree, operation, START, settle } from '../support/trees/tree-operations.ts';

/** An empty tree, and how to see that it lasts. */
export interface TreeUnderTest {
  readonly tree: Tree;
  /** The same tree opened anew, where it can be synced. */
  readonly reopen?: (tree: Tree) => Promise<Tree>;
  /** Has `bind`. */
  readonly binds: boolean;
  readonly close: () => Promise<void>;
}

async function outcome(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ModelError || error instanceof PathError) return `refused: ${error.errno}`;
    throw error;
  }
}

async function runAgainstModel(open: () => Promise<TreeUnderTest>, steps: readonly PickedOperation[]): Promise<void> {
  const under = await open();
  const model = new ModelTree();
  let { tree } = under;
  try {
    for (const step of START) {
      await applyToTree(tree, step);
      applyToModel(model, step);
    }
    for (const picked of steps) {
      const step = settle(model, picked);
      // Copies of copies would double without end.
      if ((step.op === 'copy' || step.op === 'rebind') && modelLines(model).length > 60) continue;
      if (step.op === 'rebind' && !under.binds) continue;
      if (step.op === 'sync' && tree.can.sync) await tree.sync();
      if (step.op === 'reopen' && under.reopen !== undefined) tree = await under.reopen(tree);
      const got = await outcome(() => applyToTree(tree, step));
      const expected = await outcome(() => applyToModel(model, step));
      assert.deepEqual(got, expected, JSON.stringify(step));
      assert.deepEqual(await treeLines(tree), modelLines(model), `after ${JSON.stringify(step)}`);
    }
    if (under.reopen !== undefined) assert.deepEqual(await treeLines(await under.reopen(tree)), modelLines(model), 'reopened');
  } finally {
    await under.close();
  }
}

/** What every writable tree must do. Random operations are compared with a model after each step. */
export function treeSuite(name: string, open: () => Promise<TreeUnderTest>, runs: number): void {
  describe(name, () => {
    it('does what a plain model of a tree does, whatever the operations', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 30, size: 'max' }), (steps) => runAgainstModel(open, steps)),
        { numRuns: runs, includeErrorInReport: true },
      );
    });

    const refusals: readonly { readonly says: string; readonly errno: string; readonly run: (tree: Tree) => Promise<unknown> }[] = [
      { says: 'a Dir moved into itself', errno: 'EINVAL', run: (tree) => tree.rename(at('/d'), at('/d/e/d')) },
      { says: 'a file moved over a Dir', errno: 'EISDIR', run: (tree) => tree.rename(at('/f'), at('/empty')) },
      { says: 'a Dir moved over a file', errno: 'ENOTDIR', run: (tree) => tree.rename(at('/d'), at('/f')) },
      { says: 'a Dir moved over one that is not empty', errno: 'ENOTEMPTY', run: (tree) => tree.rename(at('/empty'), at('/d')) },
      { says: 'a Dir moved over its own ancestor', errno: 'ENOTEMPTY', run: (tree) => tree.rename(at('/d/e'), at('/d')) },
      { says: 'the root moved', errno: 'EINVAL', run: (tree) => tree.rename(at('/'), at('/x')) },
      { says: 'the root removed', errno: 'EINVAL', run: (tree) => tree.remove(at('/'), { recursive: true }) },
      { says: 'a Dir with entries removed', errno: 'ENOTEMPTY', run: (tree) => tree.remove(at('/d')) },
      { says: 'what is not there removed', errno: 'ENOENT', run: (tree) => tree.remove(at('/missing')) },
      { says: 'a hard link to a Dir', errno: 'EPERM', run: (tree) => tree.link(at('/d'), at('/d2')) },
      { says: 'a hard link over an entry', errno: 'EEXIST', run: (tree) => tree.link(at('/f'), at('/d/g')) },
      { says: 'a path through a file', errno: 'ENOTDIR', run: (tree) => tree.mkdir(at('/f/x'), {}) },
      { says: 'a path through nothing', errno: 'ENOENT', run: (tree) => tree.mkdir(at('/missing/x'), {}) },
      { says: 'a Dir made twice', errno: 'EEXIST', run: (tree) => tree.mkdir(at('/d'), {}) },
      { says: 'a Dir read as a file', errno: 'EISDIR', run: (tree) => readText(tree, at('/d')) },
      { says: 'a Dir written as a file', errno: 'EISDIR', run: (tree) => tree.write(at('/d'), contentOf('x'), {}) },
      { says: 'a file read as a symlink', errno: 'EINVAL', run: (tree) => tree.readlink(at('/f')) },
      { says: 'symlinks in a circle', errno: 'ELOOP', run: (tree) => tree.lookup(at('/loop')) },
      { says: 'symlinks in a circle on the way', errno: 'ELOOP', run: (tree) => tree.mkdir(at('/loop/x'), {}) },
      { says: 'a name of 256 octets', errno: 'ENAMETOOLONG', run: (tree) => tree.mkdir(at(`/${'n'.repeat(256)}`), {}) },
      { says: 'a listing of a file', errno: 'ENOTDIR', run: (tree) => tree.list(at('/f'))[Symbol.asyncIterator]().next() },
      { says: 'a copy of a Dir into itself', errno: 'EINVAL', run: (tree) => tree.copy(at('/d'), at('/d/e/copy')) },
    ];
    it('refuses what POSIX refuses, by the same names', async () => {
      const { tree, close } = await open();
      await tree.mkdir(at('/d'), {});
      await tree.mkdir(at('/d/e'), {});
      await tree.mkdir(at('/empty'), {});
      await tree.write(at('/f'), contentOf('f'), {});
      await tree.write(at('/d/g'), contentOf('g'), {});
      await tree.symlink(at('/loop'), octets('loop'), {});
      const before = await treeLines(tree);
      for (const { says, errno, run } of refusals) {
        await assert.rejects(run(tree), (error) => error instanceof PathError && error.errno === errno, `${says}: ${errno}`);
      }
      assert.deepEqual(await treeLines(tree), before);
      await close();
    });

    it('paths go through symlinks, absolute ones from its root, and `..` in a target from where it stands', async () => {
      const { tree, close } = await open();
      await tree.mkdir(at('/d'), {});
      await tree.mkdir(at('/d/e'), {});
      await tree.write(at('/d/e/f'), contentOf('content'), {});
      await tree.symlink(at('/d/absolute'), octets('/d/e'), {});
      await tree.symlink(at('/relative'), octets('d/absolute/../e/./f'), {});
      await tree.symlink(at('/above'), octets('../../../d'), {});
      await tree.symlink(at('/slash'), octets('d/e/'), {});
      assert.equal(await readText(tree, at('/d/absolute/f')), 'content');
      assert.equal(await readText(tree, at('/relative')), 'content');
      assert.equal(await readText(tree, at('/above/e/f')), 'content');
      assert.equal(await readText(tree, at('/slash/f')), 'content');
      assert.equal((await tree.lookup(at('/relative'), { follow: false }))?.dirent.kind, 'symlink');
      assert.equal(await tree.lookup(at('/d/absolute/missing')), undefined);
      await tree.write(at('/relative'), contentOf('new'), {});
      assert.equal(await readText(tree, at('/d/e/f')), 'new');
      await close();
    });

    it('follows 40 symlinks in a row and not 41', async () => {
      const { tree, close } = await open();
      await tree.write(at('/0'), contentOf('end'), {});
      for (let i = 1; i <= 41; i++) await tree.symlink(at(`/${i}`), octets(`${i - 1}`), {});
      assert.equal(await readText(tree, at('/40')), 'end');
      await assert.rejects(readText(tree, at('/41')), (error) => error instanceof PathError && error.errno === 'ELOOP');
      await close();
    });

    it('keeps names that are no text', async () => {
      const { tree, close } = await open();
      const names = ['\xff\xfe', 'esc\x1b[31m', 'line\nbreak', '-dash', ' ', '*', '"quoted"', '\xc3\xa9', 'n'.repeat(255)];
      for (const name of names) await tree.write(at(`/${name}`), contentOf(name), {});
      const listed: string[] = [];
      for await (const entry of tree.list(at('/'))) listed.push(entry.name);
      assert.deepEqual(listed, [...names].sort());
      for (const name of names) assert.equal(await readText(tree, at(`/${name}`)), name);
      await close();
    });

    it('reads ranges of a file', async () => {
      const { tree, close } = await open();
      const text = Array.from({ length: 50_000 }, (_, i) => String.fromCharCode(33 + ((i * 7) % 90))).join('');
      await tree.write(at('/f'), contentOf(text), {});
      for (const [start, end] of [
        [0, 0],
        [0, 1],
        [100, 200],
        [49_990, 60_000],
        [60_000, 70_000],
      ] as const) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of tree.read(at('/f'), { start, end })) chunks.push(Uint8Array.from(chunk));
        assert.equal(Buffer.concat(chunks).toString('latin1'), text.slice(start, end));
      }
      await close();
    });

    it('lets the event loop turn in long work, so that a cancel is heard', async () => {
      const { tree, close } = await open();
      await tree.mkdir(at('/d'), {});
      const lasts = {
        look: () => tree.lookup(at('/d')),
        list: async () => void (await treeLines(tree)),
        change: () => tree.setMeta(at('/d'), { mode: 0o700 }),
      };
      for (const [what, step] of Object.entries(lasts)) {
        const cancel = new AbortController();
        setImmediate(() => cancel.abort());
        const patienceEndMs = performance.now() + 60_000;
        while (!cancel.signal.aborted && performance.now() < patienceEndMs) await step();
        assert.ok(cancel.signal.aborted, what);
      }
      await close();
    });

    it('keeps metadata to the nanosecond', async () => {
      const { tree, close } = await open();
      await tree.write(at('/f'), contentOf('x'), { mode: 0o640 });
      await tree.setMeta(at('/f'), { mode: 0o2755, mtimeNs: 1_577_934_245_678_901_234n });
      const meta = (await tree.lookup(at('/f')))?.dirent.meta;
      assert.equal(meta?.mode, 0o2755);
      assert.equal(meta.mtimeNs, 1_577_934_245_678_901_234n);
      await close();
    });
  });
}
