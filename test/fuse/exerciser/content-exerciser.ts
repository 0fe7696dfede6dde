import type { Random } from '../../support/random.ts';
import { makeRandom } from '../../support/random.ts';
import { FLAGS } from '../posix/checks.ts';
import type { Caller } from '../posix/system-calls.ts';

const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;
const ZERO_RANGE = 16;

/** Octets of a file, at most, but for a few far writes. */
const MAX_SIZE = 256 * 1024;
/** Octets that one operation touches, at most. */
const MAX_LENGTH = 24 * 1024;
const FILES = 4;

/** How long, and from what numbers, contents are exercised. */
export interface ContentExercise {
  readonly seed: number;
  readonly operations: number;
  /** Stores the tree and opens it again; whoever makes the calls from then on. No file is open. */
  readonly reopen?: () => Promise<Caller>;
  /** Operations between two of these, on average. */
  readonly reopenEvery?: number;
  /** Ranges can be punched, zeroed and allocated; default they can. */
  readonly canAllocate?: boolean;
}

/** A file as it has to be. */
interface Model {
  readonly path: string;
  content: Buffer;
  size: number;
  fd: number | undefined;
}

/**
 * Reads, writes, truncates, punches, copies, syncs and closes files at random, and holds all that is read against a model in memory.
 *
 * @throws an Error that tells the seed and the operation
 */
export async function exerciseContents(
  first: Caller,
  { seed, operations, reopen, reopenEvery = 500, canAllocate = true }: ContentExercise,
): Promise<void> {
  const random = makeRandom(seed);
  let caller = first;
  const files: Model[] = Array.from({ length: FILES }, (_, i) => ({
    path: `exercised-${i}`,
    content: Buffer.alloc(MAX_SIZE),
    size: 0,
    fd: undefined,
  }));
  const close = async (file: Model): Promise<void> => {
    if (file.fd !== undefined) await caller.call('close', file.fd);
    file.fd = undefined;
  };
  let did = 'nothing';
  try {
    for (let i = 0; i < operations; i++) {
      const file = files[random.below(FILES)] as Model;
      file.fd ??= await caller.call('open', file.path, FLAGS.O_CREAT | FLAGS.O_RDWR, 0o644);
      did = await one(caller, file.fd, file, random, files, close, canAllocate);
      if (reopen !== undefined && random.below(reopenEvery) === 0) {
        did = 'reopen';
        for (const open of files) await close(open);
        caller = await reopen();
      }
    }
    for (const file of files) {
      did = `read all of ${file.path}`;
      file.fd ??= await caller.call('open', file.path, FLAGS.O_CREAT | FLAGS.O_RDWR, 0o644);
      await compare(caller, file.fd, file, 0, MAX_SIZE);
      await close(file);
    }
  } catch (error) {
    throw new Error(`seed ${seed}, ${did}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

async function one(
  caller: Caller,
  fd: number,
  file: Model,
  random: Random,
  files: readonly Model[],
  close: (file: Model) => Promise<void>,
  canAllocate: boolean,
): Promise<string> {
  const offset = random.below(MAX_SIZE);
  const length = 1 + random.below(random.chance(70) ? 512 : Math.min(MAX_LENGTH, MAX_SIZE));
  const end = Math.min(MAX_SIZE, offset + length);
  const size = end - offset;
  const said = (name: string): string => `${name} ${file.path} ${offset}+${size}`;
  const kind = random.below(100);
  if (kind < 34 || (kind >= 74 && kind < 84 && !canAllocate)) {
    await compare(caller, fd, file, offset, size);
    return said('read');
  }
  if (kind < 60 || (kind < 66 && (!caller.hasKernel || offset >= file.size))) {
    const data = random.chance(15) ? Buffer.alloc(size) : random.bytes(size);
    await caller.call('pwrite', fd, data.toString('latin1'), offset);
    data.copy(file.content, offset);
    file.size = Math.max(file.size, end);
    return said('write');
  }
  if (kind < 66) {
    const data = random.bytes(Math.min(size, file.size - offset));
    await caller.call('mapWrite', fd, offset, data.toString('latin1'));
    data.copy(file.content, offset);
    return said('map write');
  }
  if (kind < 74) {
    await caller.call('ftruncate', fd, offset);
    file.content.fill(0, Math.min(offset, file.size));
    file.size = offset;
    return said('truncate');
  }
  if (kind < 79) {
    await caller.call('fallocate', fd, PUNCH_HOLE | KEEP_SIZE, offset, size);
    file.content.fill(0, offset, end);
    return said('punch');
  }
  if (kind < 84) {
    const keeps = random.chance(50);
    const zeros = random.chance(50);
    await caller.call('fallocate', fd, (zeros ? ZERO_RANGE : 0) | (keeps ? KEEP_SIZE : 0), offset, size);
    if (zeros) file.content.fill(0, offset, end);
    if (!keeps) file.size = Math.max(file.size, end);
    return said(zeros ? 'zero' : 'allocate');
  }
  if (kind < 91) {
    const from = files[random.below(FILES)] as Model;
    const at = random.below(MAX_SIZE);
    if (from === file && at < end && offset < at + size) return said('no copy');
    from.fd ??= await caller.call('open', from.path, FLAGS.O_CREAT | FLAGS.O_RDWR, 0o644);
    const copied = await caller.call('copyFileRange', from.fd, at, fd, offset, size);
    const wanted = Math.max(0, Math.min(size, from.size - at));
    if (copied !== wanted) throw new Error(`${said('copy')} from ${from.path} at ${at}: copied ${copied} of ${wanted}`);
    Buffer.from(from.content.subarray(at, at + copied)).copy(file.content, offset);
    if (copied > 0) file.size = Math.max(file.size, offset + copied);
    return said(`copy ${from.path} at ${at}`);
  }
  if (kind < 94) {
    const { size: found } = await caller.call('fstat', fd);
    if (found !== file.size) throw new Error(`${file.path} has ${found} octets, not ${file.size}`);
    return said('stat');
  }
  if (kind < 97) {
    await caller.call('fsync', fd);
    return said('fsync');
  }
  await close(file);
  return said('close');
}

async function compare(caller: Caller, fd: number, file: Model, offset: number, length: number): Promise<void> {
  const found = Buffer.from(await caller.call('pread', fd, length, offset), 'latin1');
  const wanted = file.content.subarray(offset, Math.max(offset, Math.min(file.size, offset + length)));
  if (found.equals(wanted)) return;
  let at = 0;
  while (at < wanted.length && found[at] === wanted[at]) at++;
  throw new Error(`${file.path}, read ${offset}+${length}: ${found.length} octets of ${wanted.length}, first difference at ${offset + at}`);
}
