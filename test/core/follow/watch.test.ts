import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { PathError } from '../../../core/base/errors.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { systemOwnerNames } from '../../../core/base/system/owner-names.ts';
import { EdgeScanner } from '../../../core/blockify/edge-scanner.ts';
import { Ingest } from '../../../core/blockify/ingest/ingest.ts';
import { encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import type { TailMark } from '../../../core/follow/checkpoint.ts';
import { WatchGroup } from '../../../core/follow/watch-group.ts';
import { importLocal } from '../../../core/import/import.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { LiveTree } from '../../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

const RESCAN_MS = 3_600_000;

interface Watching {
  readonly folder: string;
  readonly store: MemoryStore;
  readonly tree: LiveTree;
  readonly group: WatchGroup;
  readonly clock: { nowMs: number };
  readonly note: (name: string) => void;
  /** A round, after which the tree is what one put of the folder gives. */
  readonly check: (what?: string) => Promise<void>;
  readonly round: () => Promise<boolean>;
}

function makeWatching(t: TestContext, before?: Watching, onNotice: (notice: string) => unknown = assert.fail): Watching {
  const folder = before?.folder ?? makeScratch(t).mkdir('tree');
  const store = before?.store ?? new MemoryStore();
  const tree = before?.tree ?? openLiveTree(store, undefined);
  const clock = { nowMs: 0 };
  const group = new WatchGroup({
    store,
    tree,
    folder: octetsFromText(folder),
    target: '/tree' as TreePath,
    makeIngest: () => new Ingest(store, { workers: 0 }),
    scanner: new EdgeScanner(store.edges),
    owners: systemOwnerNames(),
    imports: {},
    marks: before === undefined ? undefined : (JSON.parse(JSON.stringify(before.group.marks())) as TailMark[]),
    rescanMs: RESCAN_MS,
    monotonicMs: () => clock.nowMs,
    onNotice,
  });
  t.after(() => group.close());
  const round = async (): Promise<boolean> => {
    const changed = await group.look({});
    await group.flush({});
    await group.bind();
    return changed;
  };
  const check = async (what?: string): Promise<void> => {
    await round();
    // What is told as a change of all comes with the next round.
    await round();
    const put = await importLocal(new MemoryStore(), octetsFromText(folder));
    const kept = await tree.dirent('/tree' as TreePath);
    assert.deepEqual(encodeDirent(kept), encodeDirent({ ...put.dirent, name: octetsFromText('tree') }), what);
  };
  return {
    folder,
    store,
    tree,
    group,
    clock,
    check,
    round,
    note: (name) => group.note(octetsFromText(name === '' ? folder : join(folder, name))),
  };
}

describe('a watched tree', () => {
  it('is what put gives, after every sort of change', async (t) => {
    const { folder, note, check } = makeWatching(t);
    writeFileSync(join(folder, 'a.txt'), 'text');
    mkdirSync(join(folder, 'dir/sub'), { recursive: true });
    writeFileSync(join(folder, 'dir/sub/b'), 'b'.repeat(9000));
    await check('at first');
    const changes: readonly [string, () => void][] = [
      ['a.txt', () => appendFileSync(join(folder, 'a.txt'), ' and more')],
      ['new', () => writeFileSync(join(folder, 'new'), '')],
      ['new', () => appendFileSync(join(folder, 'new'), 'no longer empty')],
      ['dir/sub/b', () => truncateSync(join(folder, 'dir/sub/b'), 10)],
      ['dir/sub/b', () => chmodSync(join(folder, 'dir/sub/b'), 0o600)],
      ['dir', () => chmodSync(join(folder, 'dir'), 0o700)],
      ['link', () => symlinkSync('a.txt', join(folder, 'link'))],
      ['link', () => rmSync(join(folder, 'link'))],
      ['other', () => renameSync(join(folder, 'dir'), join(folder, 'other'))],
      ['deep', () => mkdirSync(join(folder, 'deep/er/still'), { recursive: true })],
      ['', () => chmodSync(folder, 0o711)],
    ];
    for (const [name, change] of changes) {
      change();
      note(name);
      if (name === 'other') note('dir');
      await check(name);
    }
    linkSync(join(folder, 'a.txt'), join(folder, 'hard'));
    note('hard');
    await check('a hard link');
    appendFileSync(join(folder, 'hard'), 'by the other name');
    note('hard');
    await check('a change by one of two names');
  });

  it('is what put gives, after random changes', async (t) => {
    const { folder, note, check } = makeWatching(t);
    const random = makeRandom(61);
    for (let i = 0; i < 60; i++) {
      for (let changes = random.below(5); changes >= 0; changes--) {
        const name = `${random.pick(['', 'x/', 'x/y/', 'z/'] as const)}${random.below(6)}.log`;
        const path = join(folder, name);
        mkdirSync(join(path, '..'), { recursive: true });
        note(name);
        random.pick([
          () => appendFileSync(path, `${i} `.repeat(random.below(4000))),
          () => appendFileSync(path, `${i} `.repeat(random.below(4000))),
          () => writeFileSync(path, random.bytes(random.below(9000))),
          () => rmSync(path, { force: true }),
        ] as const)();
      }
      await check(`step ${i}`);
    }
    assert.ok(readdirSync(folder).length > 0);
  });

  it('a monitored file that grows is tailed into its parser, at the cost of what it grows by', async (t) => {
    const { folder, note, check, group } = makeWatching(t);
    const path = join(folder, 'mail.mbox');
    writeFileSync(path, `From a\n\n${'first '.repeat(200_000)}\n`);
    await check();
    const before = group.counts();
    for (let i = 0; i < 20; i++) {
      appendFileSync(path, `\nFrom b\nSubject: ${i}\n\n${'words '.repeat(300)}\n`);
      note('mail.mbox');
      await check(`mail ${i}`);
    }
    const { newBytes, readBytes } = group.counts();
    assert.equal(newBytes - before.newBytes, statSync(path).size - 1_200_009);
    assert.ok(readBytes - before.readBytes <= newBytes - before.newBytes + 20 * 4096);
  });

  it('after a restart, too, an append to a large file costs what it grows by', async (t) => {
    const first = makeWatching(t);
    const path = join(first.folder, 'inbox.mbox');
    const mail = (i: number): string => `From somebody${i}\nSubject: ${i}\n\n${'words '.repeat(300 + (i % 700))}\n\n`;
    writeFileSync(path, Array.from({ length: 1500 }, (_, i) => mail(i)).join(''));
    await first.check();
    appendFileSync(path, mail(1));
    first.note('inbox.mbox');
    await first.check();
    const second = makeWatching(t, first);
    await second.check();
    const { get } = second.store;
    let read = 0;
    second.store.get = async (hashcode, options) => {
      const found = await get.call(second.store, hashcode, options);
      read += found?.length ?? 0;
      return found;
    };
    appendFileSync(path, mail(2));
    second.note('inbox.mbox');
    await second.check();
    const { newBytes } = second.group.counts();
    const soFar = read;
    // It may be told of what was taken in already.
    second.note('inbox.mbox');
    assert.equal(await second.round(), false);
    assert.equal(second.group.counts().newBytes, newBytes);
    // A Dir, to see what is stored.
    assert.ok(read - soFar < 4096, `${read - soFar} octets`);
    // The first and last leaf, superblocks on the way there, and Dirs.
    assert.ok(read < 6 * second.store.edges.maxSize, `${read} octets of ${statSync(path).size}`);
  });

  it('what nobody told of is found by the look at all of it, also in the middle of a file that has grown', async (t) => {
    const { folder, note, check, round, clock } = makeWatching(t);
    const path = join(folder, 'base.db');
    writeFileSync(path, 'x'.repeat(50_000));
    await check();
    const changed = Buffer.alloc(60_000, 'x');
    changed.write('something else', 25_000);
    writeFileSync(path, changed);
    note('base.db');
    await round();
    writeFileSync(join(folder, 'untold'), 'quiet');
    assert.equal(await round(), false);
    clock.nowMs += RESCAN_MS;
    await check();
  });

  it('a directory that is swapped for a symlink lets nothing in from there, and keeps no other change waiting', async (t) => {
    const { folder, note, check, tree } = makeWatching(t);
    const outside = makeScratch(t).mkdir('outside');
    writeFileSync(join(outside, 'f'), 'a secret');
    mkdirSync(join(folder, 'd'));
    writeFileSync(join(folder, 'd/f'), 'text');
    writeFileSync(join(folder, 'other'), 'other');
    await check('at first');
    renameSync(join(folder, 'd'), join(folder, '.d'));
    symlinkSync(outside, join(folder, 'd'));
    appendFileSync(join(folder, 'other'), ' and more');
    // The names that were told of meanwhile lead outside by now; that of the directory itself comes late.
    for (const name of ['.d', 'd/f', 'd/g', 'other']) note(name);
    await check('swapped');
    assert.equal((await tree.lookup(octetsFromText('/tree/d'), { follow: false }))?.dirent.kind, 'symlink');
    rmSync(join(folder, 'd'));
    renameSync(join(folder, '.d'), join(folder, 'd'));
    for (const name of ['.d', 'd/f']) note(name);
    await check('back');
  });

  it('what cannot be brought into the tree is named once, tried again, and keeps nothing else waiting', async (t) => {
    const notices: string[] = [];
    const { folder, note, round, tree, clock, check } = makeWatching(t, undefined, (notice) => notices.push(notice));
    for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, name), name);
    await check('at first');
    const { bind } = tree;
    tree.bind = async (at, dirent, options) => {
      if (at === '/tree/b') throw new PathError('EACCES', 'bind', at);
      await bind.call(tree, at, dirent, options);
    };
    for (const name of ['a', 'b', 'c']) appendFileSync(join(folder, name), ' changed');
    for (const name of ['a', 'b', 'c']) note(name);
    for (let i = 0; i < 4; i++) {
      await round();
      clock.nowMs += 70_000;
    }
    const sizes = async (): Promise<(number | undefined)[]> =>
      await Promise.all(['a', 'b', 'c'].map(async (name) => (await tree.lookup(octetsFromText(`/tree/${name}`)))?.size));
    assert.deepEqual(await sizes(), [9, 1, 9]);
    assert.equal(notices.length, 1);
    tree.bind = bind;
    clock.nowMs += 70_000;
    await check('in the end');
    assert.equal(notices.length, 2);
    assert.match(notices.join('\n'), /b": .*permission denied; trying again, the others continue\n.*b": it works again/);
  });

  it('what was done to a node by a name that is gone is seen by its other names', async (t) => {
    const { folder, note, check } = makeWatching(t);
    mkdirSync(join(folder, 'd'));
    writeFileSync(join(folder, 'a'), 'text');
    linkSync(join(folder, 'a'), join(folder, 'd/b'));
    linkSync(join(folder, 'a'), join(folder, 'c'));
    await check('at first');
    appendFileSync(join(folder, 'd/b'), ' and more');
    rmSync(join(folder, 'd'), { recursive: true });
    for (const name of ['d/b', 'd']) note(name);
    await check('its Dir went');
    appendFileSync(join(folder, 'c'), ' and more');
    rmSync(join(folder, 'c'));
    note('c');
    await check('it went');
  });

  it('a name in a directory that is new is found to be another name of a node that was there', async (t) => {
    const { folder, note, check } = makeWatching(t);
    writeFileSync(join(folder, 'a'), 'text');
    await check('at first');
    mkdirSync(join(folder, 'new/deep'), { recursive: true });
    linkSync(join(folder, 'a'), join(folder, 'new/deep/b'));
    note('new');
    await check('linked from a new directory');
  });

  it('where something else has the name of the whole directory, what is stored stays until it is back', async (t) => {
    const notices: string[] = [];
    const { folder, note, round, check, tree, clock } = makeWatching(t, undefined, (notice) => notices.push(notice));
    writeFileSync(join(folder, 'a'), 'text');
    await check('at first');
    renameSync(folder, `${folder}.aside`);
    symlinkSync('/etc', folder);
    for (const name of ['', 'a', 'passwd']) note(name);
    await round();
    assert.equal((await tree.lookup(octetsFromText('/tree/a')))?.size, 4);
    assert.equal(await tree.lookup(octetsFromText('/tree/passwd')), undefined);
    assert.match(notices.join(), /no directory any more/);
    rmSync(folder);
    renameSync(`${folder}.aside`, folder);
    clock.nowMs += 70_000;
    await check('in the end');
    assert.match(notices.at(-1) ?? '', /it works again/);
  });
});
