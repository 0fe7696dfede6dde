import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import { parseBlock } from '../../../core/block/block-text.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { capability } from '../../../core/store/capability.ts';
import type { StoreJournals } from '../../../core/store/journals.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { encodeJournalRecord, type JournalChange, type JournalRecord } from '../../../fuse/journal/journal-records.ts';
import { PROGRAM, run } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';
import { openShellHere, type ShellHere } from '../../support/shells/shell-here.ts';

const ID = '01234567-89ab-4def-8123-456789abcdef';
/** A tree that no Store has. */
const LOST: DirDirent = {
  kind: 'dir',
  name: '' as Octets,
  meta: { mode: 0o755, mtimeNs: 1n },
  block: parseBlock(`B{hash:H{sha3-256:${'00'.repeat(32)}},span:83}`),
};
const META = { mode: 0o644, mtimeNs: 1n };

function make(path: string): JournalChange {
  return { kind: 'make', nowNs: 1n, path: path as TreePath, dirent: { kind: 'fifo', name: '' as Octets, meta: META } };
}

interface Scene {
  readonly store: string;
  readonly warnings: string[];
  /** Opens the Store in a session of its own, and runs a line. */
  run(line: string): Promise<string>;
}

/** A Store with a Dir `d` and a journal that goes on from it, whose process is dead. */
async function sceneWith(t: TestContext, changes: readonly JournalChange[], base?: DirDirent): Promise<Scene> {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  const warnings: string[] = [];
  const open = async (): Promise<ShellHere> =>
    await openShellHere({ home: scratch.folder, store, onMessage: (text) => warnings.push(text) });
  const scene: Scene = {
    store,
    warnings,
    async run(line) {
      const shell = await open();
      try {
        const { stdout, stderr } = await shell.run(line);
        return `${stdout.toString()}${stderr}`;
      } finally {
        await shell[Symbol.asyncDispose]();
      }
    },
  };
  const shell = await open();
  await shell.run('mkdir d');
  await shell.session.sync();
  const root = await shell.session.tree.sync();
  assert.equal(root.kind, 'dir');
  const journals = capability(shell.session.store, 'journals');
  assert.ok(journals !== undefined && root.kind === 'dir');
  await write(journals, 1, [{ kind: 'start', archive: 'default' }, { kind: 'base', root: base ?? root }, ...changes.map(oneChange)]);
  await shell[Symbol.asyncDispose]();
  return scene;
}

function oneChange(change: JournalChange): JournalRecord {
  return { kind: 'changes', changes: [change] };
}

async function write(journals: StoreJournals, number: number, records: readonly JournalRecord[]): Promise<void> {
  const file = journals.begin(ID, number);
  for (const record of records) file.append(encodeJournalRecord(record));
  await file.sync();
  await file.close();
}

/** Files of a folder in the Store. */
function filesIn(store: string, folder: string): string[] {
  return readdirSync(join(store, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'recovery.lock')
    .map(({ name }) => name);
}

it('a journal of more files than can be open is recovered', async (t) => {
  const changes = Array.from({ length: 250 }, (_, i): JournalChange[] => {
    const path = `/d/f${i}` as TreePath;
    const data = Buffer.alloc(70_000, i);
    const file = { kind: 'file', name: '' as Octets, meta: META, block: EMPTY_BLOCK } as const;
    return [
      { kind: 'make', nowNs: 1n, path, dirent: file },
      { kind: 'content', nowNs: 1n, path, meta: META, minSize: 0, size: data.length, ranges: [{ start: 0, data }] },
    ];
  });
  const { store } = await sceneWith(t, changes.flat());
  const words = ['ulimit -n 300; exec "$@"', 'sh', process.execPath, PROGRAM, '-S', store, '-c', 'du d; ls d | wc -l'];
  const shown = await run('sh', ['-c', ...words], { env: makeScratch(t).env });
  assert.equal(shown.stdout, `${250 * 70_000}\t/d\n250\n`, shown.report);
  assert.equal(shown.stderr, '');
});

describe('a journal that cannot be recovered whole', () => {
  it('is kept aside with the changes that do not fit its tree; the others are recorded', async (t) => {
    const scene = await sceneWith(t, [make('/d/there'), make('/gone/one'), make('/d/more')]);
    assert.equal(await scene.run('ls d'), 'more\nthere\n');
    assert.match(scene.warnings.join(''), /recorded only in part: 1 changes do not fit its tree: "\/gone\/one"; .*journals\/aside/);
    assert.deepEqual(filesIn(scene.store, 'journals'), []);
    assert.deepEqual(filesIn(scene.store, 'journals/aside'), [`${ID}.1`]);
    for (const line of ['status', 'doctor'])
      assert.match(await scene.run(line), new RegExp(`^! journal .*journals/aside/${ID}.1: it has changes of a mount`, 'm'));
    rmSync(join(scene.store, 'journals/aside', `${ID}.1`));
    assert.doesNotMatch(await scene.run('status'), /journal/);
  });

  it('is kept aside where a part of it is damaged; what comes before that is recorded, and nothing behind it', async (t) => {
    const scene = await sceneWith(t, [make('/d/before'), make('/d/damaged'), make('/d/behind')]);
    const path = join(scene.store, 'journals', `${ID}.1`);
    const content = readFileSync(path);
    content.write('D', content.indexOf('/d/damaged') + 1);
    writeFileSync(path, content);
    assert.equal(await scene.run('ls d'), 'before\n');
    assert.match(scene.warnings.join(''), /recorded only in part: a part of the journal is damaged; .*journals\/aside/);
    assert.ok(readFileSync(join(scene.store, 'journals/aside', `${ID}.1`)).includes('/d/behind'));
  });

  it('stays, and gc removes nothing, where what it goes on from is lost; gc --drop sets it aside', async (t) => {
    const scene = await sceneWith(t, [make('/d/there')], LOST);
    for (const _ of ['once', 'twice']) {
      assert.match(await scene.run('gc --grace 0'), new RegExp(`journal of a mount.*nothing was removed; .*gc --drop journals/${ID}`));
      assert.match(scene.warnings.join(''), new RegExp(`not recorded yet: .*; gc --drop journals/${ID} sets it aside`));
    }
    assert.match(await scene.run('status'), /^! journal .*not recorded yet/m);
    const dropped = await scene.run(`gc --grace 0 --drop journals/${ID}`);
    assert.match(dropped, new RegExp(`^set aside: journals/aside/${ID}.1$`, 'm'));
    assert.match(dropped, /roots? stay/);
    assert.match(await scene.run('status'), new RegExp(`^! journal .*aside/${ID}.1: `, 'm'));
  });
});
