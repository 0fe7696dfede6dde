import type { Octets } from '../../core/base/octets.ts';
import type { Caller } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';
import { IN_HEADER_SIZE } from './abi.ts';
import { readU64, safeU64 } from './octet-fields.ts';

/** One request of the kernel's: its header decoded, its fields behind it. */
export class Request implements Caller {
  readonly opcode: number;
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  /** The whole request; the buffer is used again once the handler returns. */
  readonly bytes: Buffer;
  /** Its number, in two halves, which the reply repeats unchanged. */
  readonly uniqueLow: number;
  readonly uniqueHigh: number;
  /** No client waits for it: the kernel reports a failure later, when a client syncs or closes the file. */
  isBehind = false;
  readonly #inoLow: number;
  readonly #inoHigh: number;
  #controller: AbortController | undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.opcode = bytes.readUInt32LE(4);
    this.uniqueLow = bytes.readUInt32LE(8);
    this.uniqueHigh = bytes.readUInt32LE(12);
    this.#inoLow = bytes.readUInt32LE(16);
    this.#inoHigh = bytes.readUInt32LE(20);
    this.uid = bytes.readUInt32LE(24);
    this.gid = bytes.readUInt32LE(28);
    this.pid = bytes.readUInt32LE(32);
  }

  /** The node of the request. @throws FilesystemError EFBIG for a number that no node has */
  get ino(): number {
    return safeU64(this.#inoLow, this.#inoHigh);
  }

  /** The request's number as a Map key. */
  get unique(): number {
    return this.uniqueLow + this.uniqueHigh * 2 ** 32;
  }

  /** Created on first use: most requests are answered at once. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** The client gives up. */
  abort(): void {
    this.#controller ??= new AbortController();
    this.#controller.abort();
  }

  /** A 32-bit field. @param at - offset after the header @throws FilesystemError EINVAL if the request is too short */
  u32(at: number): number {
    if (IN_HEADER_SIZE + at + 4 > this.bytes.length) throw new FilesystemError('EINVAL');
    return this.bytes.readUInt32LE(IN_HEADER_SIZE + at);
  }

  /** A 64-bit field, a safe integer. @param at - offset after the header @throws FilesystemError EFBIG, EINVAL */
  u64(at: number): number {
    return readU64(this.bytes, IN_HEADER_SIZE + at);
  }

  /** A 64-bit field that may exceed the safe integers. @param at - offset after the header */
  big(at: number): bigint {
    if (IN_HEADER_SIZE + at + 8 > this.bytes.length) throw new FilesystemError('EINVAL');
    return this.bytes.readBigUInt64LE(IN_HEADER_SIZE + at);
  }

  /** A 64-bit field that is only compared, as text. @param at - offset after the header */
  key(at: number): string {
    return this.big(at).toString(16);
  }

  /** The text from offset `at` after the header to the next NUL. */
  name(at: number): Octets {
    return this.names(at, 1)[0] ?? ('' as Octets);
  }

  /** `count` consecutive texts, each ended by NUL. */
  names(at: number, count: number): Octets[] {
    const { bytes } = this;
    const names: Octets[] = [];
    for (let start = IN_HEADER_SIZE + at; names.length < count; ) {
      const end = bytes.indexOf(0, start);
      if (end < 0) throw new FilesystemError('EINVAL');
      names.push(bytes.toString('latin1', start, end) as Octets);
      start = end + 1;
    }
    return names;
  }

  /** Octets from offset `at` after the header, valid until the handler returns. */
  data(at: number, length: number): Buffer {
    const start = IN_HEADER_SIZE + at;
    if (start + length > this.bytes.length) throw new FilesystemError('EINVAL');
    return this.bytes.subarray(start, start + length);
  }
}
