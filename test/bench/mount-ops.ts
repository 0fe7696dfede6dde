import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

// A child of the mount benchmark: does many operations of one sort below a folder, and prints how long they took. It is a process of
// its own, since a process must never look into a mount that it may have to wait for.

const PAGE = 4096;

/** What can be measured: octets or operations in, seconds out, of all together or of each. */
const OPERATIONS: Readonly<Record<string, (folder: string, count: number) => number | readonly number[]>> = {
  create: (folder, count) => each(count, (i) => closeSync(openSync(join(folder, `f${i}`), 'wx'))),
  open: (folder, count) => each(count, (i) => closeSync(openSync(join(folder, `f${i}`), 'r'))),
  lookup: (folder, count) => each(count, (i) => statSync(join(folder, `missing ${i}`), { throwIfNoEntry: false })),
  list: (folder, count) =>
    timed(() => {
      for (const name of readdirSync(folder).slice(0, count)) statSync(join(folder, name), { throwIfNoEntry: false });
    }),
  write4k: (folder, count) =>
    inFile(join(folder, 'small writes'), 'w', (fd) => each(count, (i) => writeSync(fd, page(), 0, PAGE, mixed(i, count) * PAGE))),
  read4k: (folder, count) => {
    const buffer = Buffer.alloc(PAGE);
    return inFile(join(folder, 'small writes'), 'r', (fd) => each(count, (i) => readSync(fd, buffer, 0, PAGE, mixed(i + 7, count) * PAGE)));
  },
  unlink: (folder, count) => each(count, (i) => unlinkSync(join(folder, `f${i}`))),
  /** @param path - a file that is there; scattered pages of it */
  scattered: (path, count) => {
    const pages = Math.max(1, Math.floor(statSync(path).size / PAGE));
    const buffer = Buffer.alloc(PAGE);
    return inFile(path, 'r', (fd) =>
      each(count, (i) => readSync(fd, buffer, 0, PAGE, ((Math.imul(i + 1, 0x9e3779b1) >>> 0) % pages) * PAGE)),
    );
  },
  /** @param count - MiB */
  write: (path, count) => {
    const piece = noise(1024 * 1024);
    return timed(() => inFile(path, 'w', (fd) => each(count, (i) => writeSync(fd, changed(piece, i)))));
  },
  /** Pages of a file of 4 MiB, each synced. */
  'page + fdatasync': (folder, count) => syncedWrites(join(folder, 'pages'), 4, PAGE, count),
  /** @param place - the folder, and behind a colon the MiB of a file of which parts are written, each synced */
  '64 KiB + fsync': (place, count) => {
    const at = place.lastIndexOf(':');
    return syncedWrites(join(place.slice(0, at), 'parts'), Number(place.slice(at + 1)), 16 * PAGE, count);
  },
  /** A file that grows by MiBs, each synced. */
  'synced MiB': (path, count) =>
    inFile(path, 'w', (fd) => {
      const piece = noise(1024 * 1024);
      return each(count, (i) => {
        writeSync(fd, changed(piece, i));
        fdatasyncSync(fd);
      });
    }),
  /** A file that is made, written, synced and removed, as a database's rollback journal is. */
  'new file + fsync': (folder, count) =>
    each(count, () => {
      const path = join(folder, 'rollback');
      inFile(path, 'wx', (fd) => {
        writeSync(fd, page());
        fdatasyncSync(fd);
        return 0;
      });
      unlinkSync(path);
    }),
  'hard links': (folder, count) => {
    closeSync(openSync(join(folder, 'linked'), 'w'));
    mkdirSync(join(folder, 'links'));
    return each(count, (i) => linkSync(join(folder, 'linked'), join(folder, 'links', String(i))));
  },
  /** From the last write on. */
  fsync: (path) => timed(() => inFile(path, 'r+', (fd) => timed(() => fsyncSync(fd)))),
};

const [name = '', where = '', count = '1'] = process.argv.slice(2);
const operation = OPERATIONS[name];
if (operation === undefined) throw new Error(`mount-ops: expected one of ${Object.keys(OPERATIONS).join(', ')}, got "${name}"`);
const taken = operation(where, Number(count));
const all = typeof taken === 'number' ? [taken] : taken;
console.log(
  all.reduce((sum, seconds) => sum + seconds, 0),
  Math.max(...all),
);

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
}

function each(count: number, work: (i: number) => void): number {
  return timed(() => {
    for (let i = 0; i < count; i++) work(i);
  });
}

/** @param sizeMib - of the file, which is made and synced first. @returns what each took */
function syncedWrites(path: string, sizeMib: number, size: number, count: number): readonly number[] {
  const fd = openSync(path, 'w');
  const mib = noise(1024 * 1024);
  for (let i = 0; i < sizeMib; i++) writeSync(fd, changed(mib, i));
  fsyncSync(fd);
  const piece = noise(size);
  const places = (sizeMib * 1024 * 1024) / size;
  const taken = Array.from({ length: count }, (_, i) =>
    timed(() => {
      writeSync(fd, changed(piece, i), 0, size, mixed(i + 1, places) * size);
      fdatasyncSync(fd);
    }),
  );
  closeSync(fd);
  return taken;
}

function inFile(path: string, flags: string, work: (fd: number) => number): number {
  const fd = openSync(path, flags);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

/** A permutation of 0 to count - 1, roughly. */
function mixed(i: number, count: number): number {
  return (Math.imul(i, 0x9e3779b1) >>> 0) % count;
}

function page(): Buffer {
  return Buffer.alloc(PAGE, 0x61);
}

function noise(size: number): Buffer {
  const out = Buffer.alloc(size);
  let state = 1;
  for (let at = 0; at < size; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    out.writeInt32LE(Math.imul(state ^ (state >>> 15), 0x2c1b3c6d), at);
  }
  return out;
}

/** Another content in every piece: each page of it begins with the piece's number. */
function changed(piece: Buffer, i: number): Buffer {
  for (let at = 0; at < piece.length; at += 2048) piece.writeUInt32LE(Math.imul(i + 1, 0x85ebca6b) >>> 0, at);
  return piece;
}
