import { closeSync, fdatasync, fstatSync, ftruncateSync, lstatSync, readSync, unlinkSync, writeSync, writevSync } from 'node:fs';
import { crc32 } from '../base/crc32.ts';
import { VtError } from '../base/errors.ts';
import { tryLock } from '../base/system/file-lock.ts';
import { createStoreFile, openStoreFile, type StoreAccess } from '../base/system/store-files.ts';
import type { JournalContent, JournalFile } from '../store/journals.ts';

/** First bytes of a journal's file. */
const JOURNAL_MAGIC = Buffer.from('8976746a0d0a1a0a', 'hex');
/** Of the format. It is behind the magic, and seven NUL bytes behind it. */
const JOURNAL_VERSION = 1;
const HEADER_SIZE = 16;
/** Length and CRC-32 of a record. */
const FRAME_SIZE = 8;

/** Room that is written ahead with NUL bytes, at least and at most: a sync of bytes inside a file takes half as long as one that grows it. */
const MIN_ROOM = 64 * 1024;
const MAX_ROOM = 4 * 1024 * 1024;
const ZEROS = Buffer.alloc(MIN_ROOM);

/** Tries to make a file that nobody takes for a dead process's. */
const MAX_TRIES = 20;

export interface JournalFileOptions {
  readonly access: StoreAccess;
  /** Whether `sync` is to outlive a loss of power. */
  readonly isDurable: () => boolean;
}

/** Makes a file of a journal, with a lock that goes with this process. @see vt(5), "Journals" */
export function makeJournalFile(path: string, options: JournalFileOptions): JournalFile {
  const fd = makeLocked(path, options.access);
  try {
    return new LockedJournalFile(fd, path, options.isDurable, 0);
  } catch (error) {
    unlinkSync(path);
    closeSync(fd);
    throw error;
  }
}

/** Continues with a file whose process is dead. @param end - where its readable records end */
export function continueJournalFile(fd: number, path: string, end: number): JournalFile {
  return new LockedJournalFile(fd, path, () => true, end);
}

function makeLocked(path: string, access: StoreAccess): number {
  for (let tries = 1; ; tries++) {
    closeSync(createStoreFile(path, access));
    const fd = openStoreFile(path, 'update');
    const lock = tryLock(fd);
    // A recovery may have taken it for an abandoned journal, and removed it.
    if (lock === 'held' && lstatSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return fd;
    closeSync(fd);
    if (lock !== 'unsupported' && tries < MAX_TRIES) continue;
    unlinkSync(path);
    throw new VtError(
      'EUNSUPPORTED',
      `lock journal "${path}": ${lock === 'unsupported' ? 'this filesystem has no locks' : 'another process has it'}`,
    );
  }
}

class LockedJournalFile implements JournalFile {
  readonly #fd: number;
  readonly #path: string;
  readonly #isDurable: () => boolean;
  #size: number;
  /** Bytes up to which the file was written, with NUL where nothing is yet. */
  #room = 0;
  #synced = 0;
  #syncing: Promise<void> | undefined;
  #failure: unknown;
  #isGone = false;

  /** @param end - where its records end; 0 for one that is new */
  constructor(fd: number, path: string, isDurable: () => boolean, end: number) {
    this.#fd = fd;
    this.#path = path;
    this.#isDurable = isDurable;
    this.#size = Math.max(HEADER_SIZE, end);
    this.#room = this.#size;
    if (end > 0) return;
    const header = Buffer.alloc(HEADER_SIZE);
    JOURNAL_MAGIC.copy(header);
    header[JOURNAL_MAGIC.length] = JOURNAL_VERSION;
    this.#writeAt(header, 0);
  }

  get size(): number {
    return this.#size;
  }

  append(payload: Uint8Array): void {
    if (this.#isGone) return;
    const frame = Buffer.allocUnsafe(FRAME_SIZE);
    frame.writeUInt32BE(payload.length, 0);
    frame.writeUInt32BE(crc32(payload, crc32(frame.subarray(0, 4))), 4);
    const end = this.#size + FRAME_SIZE + payload.length;
    try {
      this.#makeRoom(end);
      const written = writevSync(this.#fd, [frame, payload], this.#size);
      if (this.#size + written < end) this.#writeAt(Buffer.concat([frame, payload]).subarray(written), this.#size + written);
    } catch (error) {
      // A record that is cut short would hide those that come in its place.
      ftruncateSync(this.#fd, this.#size);
      this.#room = this.#size;
      throw error;
    }
    this.#size = end;
    this.#room = Math.max(this.#room, this.#size);
  }

  async sync(): Promise<void> {
    const upTo = this.#size;
    while (this.#synced < upTo && !this.#isGone) {
      if (this.#failure !== undefined) throw this.#failure;
      this.#syncing ??= this.#syncNow().finally(() => {
        this.#syncing = undefined;
      });
      await this.#syncing;
    }
  }

  async #syncNow(): Promise<void> {
    const upTo = this.#size;
    const error = this.#isDurable() ? await new Promise<Error | null>((resolve) => fdatasync(this.#fd, resolve)) : null;
    // A kernel reports bytes that it could not write once, and takes them for written from then on.
    if (error !== null) this.#failure = error;
    else this.#synced = upTo;
  }

  async remove(): Promise<void> {
    if (this.#isGone) return;
    this.#isGone = true;
    await this.#syncing;
    unlinkSync(this.#path);
    closeSync(this.#fd);
  }

  async close(): Promise<void> {
    if (this.#isGone) return;
    this.#isGone = true;
    await this.#syncing;
    closeSync(this.#fd);
  }

  #makeRoom(end: number): void {
    if (end <= this.#room) return;
    const wanted = end + Math.min(MAX_ROOM, Math.max(MIN_ROOM, this.#size));
    for (let at = end; at < wanted; at += ZEROS.length) this.#writeAt(ZEROS.subarray(0, Math.min(ZEROS.length, wanted - at)), at);
    this.#room = wanted;
  }

  #writeAt(data: Uint8Array, at: number): void {
    for (let done = 0; done < data.length; ) done += writeSync(this.#fd, data, done, data.length - done, at + done);
  }
}

/** What can be read of a journal's file. */
export interface JournalFileContent extends JournalContent {
  /** Where the records end; 0 where it has no header. */
  readonly end: number;
}

/**
 * The records of a journal's file up to the first that is not whole.
 *
 * @throws {VtError} EUNSUPPORTED for one of a later version
 */
export function readJournalFile(fd: number, path: string): JournalFileContent {
  const data = readWhole(fd);
  // It was killed before it had a header: it promised nothing.
  if (data.length < HEADER_SIZE) return { records: [], end: 0, isWhole: true };
  if (!data.subarray(0, JOURNAL_MAGIC.length).equals(JOURNAL_MAGIC)) return { records: [], end: 0, isWhole: isZero(data) };
  const version = data[JOURNAL_MAGIC.length] ?? 0;
  if (version !== JOURNAL_VERSION)
    throw new VtError('EUNSUPPORTED', `read journal "${path}": its version is ${version}, this program knows ${JOURNAL_VERSION}`, {
      remedy: 'use a later vtftp',
    });
  const records: Uint8Array[] = [];
  let end = HEADER_SIZE;
  while (end + FRAME_SIZE < data.length) {
    const size = data.readUInt32BE(end);
    const next = end + FRAME_SIZE + size;
    if (size === 0 || next > data.length) break;
    const payload = data.subarray(end + FRAME_SIZE, next);
    if (crc32(payload, crc32(data.subarray(end, end + 4))) !== data.readUInt32BE(end + 4)) break;
    records.push(payload);
    end = next;
  }
  return { records, end, isWhole: endsInOneRecord(data.subarray(end)) };
}

/** Whether the last complete record is followed by at most one incomplete record. */
function endsInOneRecord(rest: Uint8Array): boolean {
  if (rest.length < FRAME_SIZE) return true;
  const size = new DataView(rest.buffer, rest.byteOffset).getUint32(0);
  // Its room is made before it: a length that leads beyond that is damaged.
  return FRAME_SIZE + size <= rest.length ? isZero(rest.subarray(FRAME_SIZE + size)) : isZero(rest);
}

/** Compares with what is NUL already: a look at each byte of the room of 4 MiB took 60 ms. */
function isZero(data: Uint8Array): boolean {
  for (let at = 0; at < data.length; at += ZEROS.length) {
    const part = data.subarray(at, at + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}

/** All bytes of a journal's file. */
export function readWhole(fd: number): Buffer {
  const data = Buffer.alloc(fstatSync(fd).size);
  let at = 0;
  for (let got = -1; at < data.length && got !== 0; at += got) got = readSync(fd, data, at, data.length - at, at);
  return data.subarray(0, at);
}
