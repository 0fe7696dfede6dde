import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { readBlockBytes } from '../../core/block/read-range.ts';
import { openDatadir } from '../../core/datadir/datadir.ts';
import { parseDirent } from '../../core/dirent/dirent-text.ts';
import { ProxyStore } from '../../core/store/proxy/proxy.ts';
import type { Store } from '../../core/store/store.ts';
import { walkDirent } from '../../core/tree/walk.ts';
import { makeRandom } from '../support/random.ts';
import type { Scratch } from '../support/scratch.ts';
import { makeScratch } from '../support/scratch.ts';
import type { SessionEnd } from '../support/shells/shell-over-store.ts';
import { runOverStore } from '../support/shells/shell-over-store.ts';
import type { Fault } from '../support/stores/fault-store.ts';
import { FaultStore } from '../support/stores/fault-store.ts';

/** A Store between, which trusts none of its Stores. */
function proxied(store: Store): ProxyStore {
  return new ProxyStore(
    { save: [store], read: [], save2: [], read2: [], copy2: [] },
    { name: store.name, maxSpoolBytes: 1, onNotice: () => undefined, nowMs: () => 0 },
  );
}

function over(
  scratch: Scratch,
  line: string,
  faults: readonly Fault[],
  options: { readonly proxy?: boolean; readonly signal?: AbortSignal } = {},
): Promise<SessionEnd> {
  const wrap = (store: Store): Store => {
    const faulty = new FaultStore(store, faults, { seed: 7 });
    return options.proxy === true ? proxied(faulty) : faulty;
  };
  return runOverStore(line, {
    home: scratch.folder,
    store: scratch.path('store'),
    wrap,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

function makeDocs(scratch: Scratch): string {
  const docs = scratch.mkdir('docs');
  mkdirSync(`${docs}/sub`);
  writeFileSync(`${docs}/large`, makeRandom(1).bytes(400_000));
  for (let i = 0; i < 20; i++) writeFileSync(`${docs}/sub/file ${i}`, makeRandom(i + 2).bytes(3000));
  return docs;
}

/** Everything below a root is in the Store, as it is on disk. */
async function assertWhole(scratch: Scratch, root: string): Promise<void> {
  await using store = await openDatadir(scratch.path('store'));
  const dirent = parseDirent(root);
  for await (const item of walkDirent(store, dirent)) {
    if (item.kind === 'node' && item.dirent.kind === 'file') await readBlockBytes(store, item.dirent.block);
  }
}

function archiveOf(scratch: Scratch): string {
  const file = scratch.path('store/archives/default.vt');
  return existsSync(file) ? readFileSync(file, 'latin1') : '';
}

const WRITING: readonly (readonly [name: string, fault: Fault])[] = [
  ...[1, 2, 3].flatMap((from) =>
    (['fail', 'busy', 'truncate'] as const).map(
      (kind) => [`add ${kind}s from call ${from} on`, { on: 'add', kind, from } as Fault] as const,
    ),
  ),
  ...(['fail', 'busy'] as const).map((kind) => [`flush ${kind}s`, { on: 'flush', kind, from: 2 } as Fault] as const),
  ['flush fails once', { on: 'flush', kind: 'fail', from: 2, times: 1 }],
  ['one add in three fails', { on: 'add', kind: 'fail', percent: 33 }],
];

for (const [name, fault] of WRITING) {
  test(`put over a Store whose ${name}: the status says so, and nothing is recited that is not whole`, async (t) => {
    const scratch = makeScratch(t);
    const docs = makeDocs(scratch);
    const ended = await over(scratch, `put ${docs} docs; quit`, [fault]);
    if (ended.recited === undefined) {
      assert.equal(ended.status, 1, ended.stderr);
      assert.match(ended.stderr, /Store "?\S*store"?:/);
      assert.equal(archiveOf(scratch), '');
    } else {
      await assertWhole(scratch, ended.recited);
      assert.ok(archiveOf(scratch).includes(ended.recited));
    }
    const again = await over(scratch, `put ${docs} docs; quit`, []);
    assert.equal(again.status, 0, again.stderr);
    await assertWhole(scratch, again.recited ?? assert.fail('nothing recited'));
  });
}

test('sync over a Store that cannot make things durable records nothing, and a later sync of the session may', async (t) => {
  const scratch = makeScratch(t);
  const failed = await over(scratch, 'mkdir a; sync', [{ on: 'flush', kind: 'fail' }]);
  assert.equal(failed.status, 1, failed.stderr);
  assert.equal(failed.recited, undefined);
  assert.equal(archiveOf(scratch), '');
  const later = await over(scratch, '-sync; mkdir a; -sync; sync', [{ on: 'flush', kind: 'busy', times: 2 }]);
  await assertWhole(scratch, later.recited ?? assert.fail(later.stderr));
});

/** The status where the fault comes before the tree is open: its top is read then. */
const NOT_OPENED = 10;

const READING: readonly (readonly [fault: Fault, proxy: boolean, status: number])[] = [
  [{ on: 'get', kind: 'fail', from: 4 }, false, 1],
  [{ on: 'get', kind: 'busy', from: 4 }, false, 1],
  [{ on: 'get', kind: 'lie', from: 3 }, true, 13],
  [{ on: 'get', kind: 'truncate', from: 3 }, true, 13],
  [{ on: 'get', kind: 'fail', percent: 30 }, true, 1],
];

for (const [fault, proxy, status] of READING) {
  test(`cat, ls and get over a Store whose get ${JSON.stringify(fault)}: status ${status}, and never wrong bytes`, async (t) => {
    const scratch = makeScratch(t);
    const docs = makeDocs(scratch);
    assert.equal((await over(scratch, `put ${docs} docs; quit`, [])).status, 0);
    const large = readFileSync(`${docs}/large`);
    const cat = await over(scratch, 'cat docs/large', [fault], { proxy });
    assert.ok(cat.status === status || (fault.percent !== undefined && cat.status === NOT_OPENED), cat.stderr);
    assert.ok(cat.stdout.length < large.length && large.subarray(0, cat.stdout.length).equals(cat.stdout), cat.stderr);
    assert.equal(cat.recited, undefined);

    const found = await over(scratch, 'find docs', [{ ...fault, from: 1 }], { proxy });
    assert.ok([status, NOT_OPENED].includes(found.status) || (fault.percent !== undefined && found.status === 0), found.stderr);

    const out = scratch.path('out');
    const got = await over(scratch, `get docs ${out}`, [fault], { proxy });
    assert.notEqual(got.status, 0, got.stderr);
    assert.ok([1, 3, NOT_OPENED, 13].includes(got.status), `${got.status}: ${got.stderr}`);
    if (existsSync(out)) {
      for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
        if (existsSync(`${docs}/${name}`) && !['sub', ''].includes(name))
          assert.ok(readFileSync(`${out}/${name}`).equals(readFileSync(`${docs}/${name}`)), name);
      }
    }
    const whole = await over(scratch, 'cat docs/large', [], { proxy });
    assert.ok(whole.stdout.equals(large));
  });
}

for (const on of ['add', 'get', 'flush'] as const) {
  test(`a command over a Store whose ${on} hangs ends with the signal`, async (t) => {
    const scratch = makeScratch(t);
    const docs = makeDocs(scratch);
    assert.equal((await over(scratch, `put ${docs}/sub first; quit`, [])).status, 0);
    const before = archiveOf(scratch);
    const aborter = new AbortController();
    const faults: readonly Fault[] = [{ on, kind: 'hang', from: 2 }];
    const line = on === 'get' ? 'cat "first/file 1"' : `put ${docs} docs; sync`;
    const wrap = (store: Store): Store => {
      const faulty = new FaultStore(store, faults);
      const { calls } = faulty;
      // Once the call that hangs has been made the signal fires.
      const watch = (): void => {
        if (calls[on] >= 2) aborter.abort();
        else setImmediate(watch);
      };
      watch();
      return faulty;
    };
    const ended = await runOverStore(line, { home: scratch.folder, store: scratch.path('store'), wrap, signal: aborter.signal });
    assert.equal(ended.status, 130, ended.stderr);
    assert.equal(archiveOf(scratch), before);
  });
}
