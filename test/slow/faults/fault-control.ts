import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** The kinds of calls that can be made to fail, in the order of `enum kind` in shim.c. */
export const CALLS = ['open', 'write', 'sync', 'rename', 'truncate', 'mkdir', 'unlink', 'link', 'read', 'list'] as const;

/** A kind of system call. */
export type Call = (typeof CALLS)[number];

/** What a call fails with; `short` is a write of half of what it was given. */
export type Failing = 'EIO' | 'ENOSPC' | 'EDQUOT' | 'EFBIG' | 'EMFILE' | 'short';

/** Numbers of Linux; see errno(3). */
const ERRNO: Readonly<Record<Failing, number>> = { EIO: 5, ENOSPC: 28, EDQUOT: 122, EFBIG: 27, EMFILE: 24, short: 0 };

/** What each kind of call can fail with on a disk that is broken, full, or over its quota, or where too many files are open. */
export const FAILINGS: Readonly<Record<Call, readonly Failing[]>> = {
  open: ['EIO', 'ENOSPC', 'EMFILE'],
  write: ['EIO', 'ENOSPC', 'EDQUOT', 'EFBIG', 'short'],
  sync: ['EIO', 'ENOSPC', 'EDQUOT'],
  rename: ['EIO', 'ENOSPC', 'EDQUOT'],
  truncate: ['EIO', 'ENOSPC', 'EFBIG'],
  mkdir: ['EIO', 'ENOSPC', 'EDQUOT'],
  unlink: ['EIO'],
  link: ['EIO', 'ENOSPC'],
  read: ['EIO'],
  list: ['EIO', 'EMFILE'],
};

const ARMED_AT = 0;
const COUNTDOWN_AT = 8;
const FIRED_AT = 24;
const COUNTS_AT = 32;
const SIZE = COUNTS_AT + 8 * CALLS.length;

/** The file by which the preloaded library is told which call fails next, and tells how many there were. */
export class FaultControl {
  readonly path: string;
  readonly #fd: number;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'w+');
    this.disarm();
  }

  /** The n-th call of a kind from now on fails, once; counts begin anew. */
  arm(call: Call, n: number, failing: Failing): void {
    this.disarm();
    this.#write(COUNTDOWN_AT, [n, ERRNO[failing], 0]);
    this.#write(ARMED_AT, [1 << CALLS.indexOf(call)]);
  }

  /** No call fails; counts begin anew. */
  disarm(): void {
    this.#write(ARMED_AT, new Array<number>(SIZE / 8).fill(0));
  }

  /** Whether the call that was to fail has failed. */
  get hasFired(): boolean {
    return this.#read(FIRED_AT) > 0;
  }

  /** How many calls there were of each kind. */
  counts(): ReadonlyMap<Call, number> {
    return new Map(CALLS.map((call, i) => [call, this.#read(COUNTS_AT + 8 * i)]));
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #write(at: number, values: readonly number[]): void {
    const bytes = Buffer.alloc(8 * values.length);
    for (const [i, value] of values.entries()) bytes.writeBigInt64LE(BigInt(value), 8 * i);
    writeSync(this.#fd, bytes, 0, bytes.length, at);
  }

  #read(at: number): number {
    const bytes = Buffer.alloc(8);
    readSync(this.#fd, bytes, 0, 8, at);
    return Number(bytes.readBigInt64LE());
  }
}
