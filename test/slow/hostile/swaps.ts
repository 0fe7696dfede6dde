import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { octetsFromText } from '../../../core/base/octets.ts';
import { systemOwnerNames } from '../../../core/base/system/owner-names.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { exportDirent } from '../../../core/export/export.ts';
import { importLocal } from '../../../core/import/import.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { DiffSide } from '../../../core/tree/diff/diff.ts';
import { localSide } from '../../../core/tree/diff/local-side.ts';
import { localNode } from '../../../core/tree/local/local-node.ts';
import { openLocalTree } from '../../../core/tree/local/local-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { joinPath, ROOT_PATH } from '../../../core/tree/path.ts';
import type { TreeEntry } from '../../../core/tree/tree.ts';
import { Following } from '../../core/follow/tailing.ts';
import { contentsBelow } from '../../support/trees/stored-contents.ts';
import type { Torture, TortureLimits, TortureResult } from '../torture-kind.ts';
import { TortureTally } from '../torture-kind.ts';

const SECRET = 'what only root may read';

/** Somebody who is neither root nor whoever runs this. */
const STRANGER = 54_321;

/** Small files in the directory that is swapped: so many moments at which it may go. */
const FILES = 30;

/** A tree that somebody changes all the time while it is read or written. */
export const swapsAttack: Torture = {
  name: 'swaps',
  does: 'put, get, follow and listings of a local directory, while another process swaps a directory, a file and a FIFO for symlinks that lead out of the tree',
  promise: 'no outside file is read or written, and no command waits at a FIFO',
  fullRounds: 2000,
  run,
  unable: () => (process.geteuid?.() === 0 ? undefined : 'only root can give a log to somebody else'),
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const kinds = [put, get, look, follow];
  let swaps = 0;
  const each = Math.ceil(limits.rounds / kinds.length);
  for (const kind of kinds) {
    const folder = join(limits.folder, kind.name);
    const places = makePlaces(folder);
    const upTo = tally.rounds + each;
    swaps += await kind(places, tally, () => tally.goesOn && tally.rounds < upTo);
    rmSync(folder, { recursive: true, force: true });
  }
  return tally.result(`${swaps} swaps`);
}

interface Places {
  /** What is swapped is in here. */
  readonly tree: string;
  /** What nobody may read. */
  readonly secret: string;
  readonly aside: string;
}

function makePlaces(folder: string): Places {
  const places = { tree: join(folder, 'tree'), secret: join(folder, 'secret'), aside: join(folder, 'aside') };
  for (const [place, content] of [
    [places.tree, 'ours'],
    [places.secret, SECRET],
  ] as const) {
    mkdirSync(join(place, 'd/below'), { recursive: true });
    for (let i = 0; i < FILES; i++) writeFileSync(join(place, `d/${i}`), `${content} ${i}`);
    writeFileSync(join(place, 'd/below/large'), content.repeat(60_000));
    writeFileSync(join(place, 'f'), content);
  }
  mkdirSync(places.aside);
  spawnSync('mkfifo', [join(places.aside, 'fifo')]);
  return places;
}

async function whileSwapped({ tree, secret, aside }: Places, uid: number | undefined, work: () => Promise<void>): Promise<number> {
  const script = fileURLToPath(new URL('./swapper-child.js', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, tree, secret, aside], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const ended = once(child, 'exit');
  let said = '';
  child.stdout?.on('data', (data: Buffer) => {
    said += data.toString();
  });
  if (child.stdout !== null) await once(child.stdout, 'data');
  try {
    await work();
  } finally {
    child.stdin?.end();
    await ended;
  }
  return Number(said.trim().split('\n').at(-1));
}

async function put(places: Places, tally: TortureTally, goesOn: () => boolean): Promise<number> {
  return await whileSwapped(places, undefined, async () => {
    while (goesOn()) {
      await using store = new MemoryStore();
      let failed = 0;
      const { dirent } = await importLocal(store, octetsFromText(places.tree), { reread: true, onFailure: () => failed++ });
      const foreign = (await contentsBelow(store, dirent)).filter((content) => content.includes(SECRET));
      tally.count(failed === 0 ? 'put' : 'put, something swapped');
      if (foreign.length > 0) tally.fault(`${foreign.length} contents from outside`);
    }
  });
}

async function get(places: Places, tally: TortureTally, goesOn: () => boolean): Promise<number> {
  await using store = new MemoryStore();
  const { dirent } = await importLocal(store, octetsFromText(places.tree));
  const before = snapshot(places.secret);
  return await whileSwapped(places, undefined, async () => {
    while (goesOn()) {
      let failed = 0;
      await exportDirent(store, dirent as DirDirent, octetsFromText(places.tree), { onFailure: () => failed++ });
      tally.count(failed === 0 ? 'get' : 'get, something swapped');
      if (snapshot(places.secret) !== before) tally.fault('something was written outside');
    }
  });
}

/** A local directory as a tree, and as a side of `diff`. */
async function look(places: Places, tally: TortureTally, goesOn: () => boolean): Promise<number> {
  const path = octetsFromText(places.tree);
  await using store = new MemoryStore();
  return await whileSwapped(places, undefined, async () => {
    while (goesOn()) {
      await using tree = openLocalTree(path, store);
      const top = localNode(path);
      if (top === undefined) throw new Error('the top is never swapped');
      const { list, read } = localSide(path, top, systemOwnerNames());
      if (list === undefined || read === undefined) throw new Error('a local side is read by its paths');
      const looks: Looks = { contents: [], failed: 0 };
      await lookAt(
        looks,
        ROOT_PATH,
        (at) => tree.list(at),
        (at) => tree.read(at),
      );
      await lookAt(
        looks,
        ROOT_PATH,
        (at) => namedEntries(list, at),
        (at) => read(at, 0, {}),
      );
      tally.count(looks.failed === 0 ? 'look' : 'look, something swapped');
      if (looks.contents.some((content) => content.includes(SECRET))) tally.fault('a content from outside');
    }
  });
}

interface Looks {
  readonly contents: string[];
  failed: number;
}

type Listed = Pick<TreeEntry, 'path' | 'dirent'>;

async function* namedEntries(list: NonNullable<DiffSide['list']>, at: TreePath): AsyncGenerator<Listed> {
  for await (const dirent of list(at, {})) yield { path: joinPath(at, dirent.name), dirent: dirent as TreeEntry['dirent'] };
}

/** Reads all that a Dir lists, and what is below. */
async function lookAt(
  looks: Looks,
  at: TreePath,
  list: (at: TreePath) => AsyncIterable<Listed>,
  read: (at: TreePath) => AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    for await (const { path, dirent } of list(at)) {
      if (dirent.kind === 'dir') await lookAt(looks, path, list, read);
      if (dirent.kind === 'file') {
        const pieces: Buffer[] = [];
        try {
          for await (const piece of read(path)) pieces.push(Buffer.from(piece));
        } catch {
          looks.failed++;
        }
        looks.contents.push(Buffer.concat(pieces).toString('latin1'));
      }
    }
  } catch {
    looks.failed++;
  }
}

function snapshot(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map(({ parentPath, name }) => `${join(parentPath, name)} ${readFileSync(join(parentPath, name), 'latin1')}`)
    .sort()
    .join('\n');
}

async function follow(places: Places, tally: TortureTally, goesOn: () => boolean): Promise<number> {
  for (const path of [places.tree, join(places.tree, 'f'), join(places.tree, 'd'), places.aside, join(places.aside, 'fifo')])
    chownSync(path, STRANGER, STRANGER);
  return await whileSwapped(places, STRANGER, async () => {
    const following = new Following([join(places.tree, '[df]')], '/logs', true);
    while (goesOn()) {
      await following.round();
      const content = await following.content('/logs/f').catch(() => Buffer.alloc(0));
      tally.count(following.notices.length === 0 ? 'follow' : 'follow, something swapped');
      following.notices.length = 0;
      if (content.includes(SECRET)) tally.fault('a log has what stands outside');
      following.nowMs += 1000;
    }
    await following.group.close();
  });
}
