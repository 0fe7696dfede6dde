import { constants } from 'node:os';
import { errorReason } from '../../core/base/system/system-error.ts';
import type { FaultyRequest } from '../driver.ts';
import type { Filesystem, Maybe } from '../filesystem.ts';
import { errnoOf } from '../filesystem-error.ts';
import { FUSE_MAJOR, FUSE_MINOR, IN_HEADER_SIZE, INIT, MAX_TRANSFER_SIZE, OP, OUT_HEADER_SIZE } from './abi.ts';
import { OPERATIONS } from './operations.ts';
import { Replies } from './replies.ts';
import { Request } from './request.ts';

/** Background requests of the kernel (read-ahead, write-back), at most. */
const MAX_BACKGROUND = 64;

/** Octets that the kernel may read ahead, if the device's own limit allows it. */
export const MAX_READ_AHEAD = 1024 * 1024;

const WANTED =
  INIT.ASYNC_READ |
  INIT.ATOMIC_O_TRUNC |
  INIT.BIG_WRITES |
  INIT.DONT_MASK |
  INIT.POSIX_ACL |
  INIT.DO_READDIRPLUS |
  INIT.READDIRPLUS_AUTO |
  INIT.ASYNC_DIO |
  INIT.PARALLEL_DIROPS |
  INIT.MAX_PAGES |
  INIT.CACHE_SYMLINKS |
  INIT.HANDLE_KILLPRIV_V2;

/** The kernel sends requests for locks, and one for each close. */
const WITH_LOCKS = INIT.POSIX_LOCKS | INIT.FLOCK_LOCKS;

/** The kernel supports omitting the requests that open and close files and Dirs. */
const WITHOUT_OPEN = INIT.NO_OPEN_SUPPORT | INIT.NO_OPENDIR_SUPPORT;

export interface KernelSessionOptions {
  /** The mount is read-only: open files need no tracking, and the kernel need not send requests for them. Reads have the handle 0 then. */
  readonly readOnly: boolean;
  /** The kernel collects small writes in its page cache. */
  readonly writeback: boolean;
  /** Called with the reason why a client gets EIO. */
  readonly onFault: (error: unknown, request: FaultyRequest) => void;
}

/** The kernel's session with one mount: requests come in, and each is answered once. */
export class KernelSession {
  readonly #context: { readonly filesystem: Filesystem; readonly replies: Replies };
  readonly #options: KernelSessionOptions;
  /** Requests not answered yet, by number. */
  readonly #pending = new Map<number, Request>();
  #opensNothing = false;
  #ended = false;

  constructor(fd: number, filesystem: Filesystem, options: KernelSessionOptions) {
    this.#context = { filesystem, replies: new Replies(fd, (request, error) => this.#refused(request, error)) };
    this.#options = options;
  }

  /** The mount has ended: pending requests are aborted, nothing is answered, and no failure is reported. */
  end(): void {
    this.#ended = true;
    this.#context.replies.end();
    for (const request of this.#pending.values()) request.abort();
  }

  /** Requests that wait for an answer. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Takes one request. Its bytes may be overwritten once this returns. */
  handle(bytes: Buffer): void {
    // A request without a header has no number to answer to.
    if (bytes.length < IN_HEADER_SIZE) return;
    const request = new Request(bytes);
    try {
      const done = this.#answer(request);
      if (done !== undefined) this.#await(request, done);
    } catch (error) {
      this.#fail(request, error);
    }
  }

  #answer(request: Request): Maybe<void> {
    const { replies } = this.#context;
    switch (request.opcode) {
      case OP.INIT:
        this.#initialise(request);
        return;
      case OP.INTERRUPT:
        // There is nothing to do if the request was answered already.
        this.#pending.get(request.u64(0))?.abort();
        return;
      case OP.OPEN:
      case OP.OPENDIR:
        // After ENOSYS the kernel never sends this operation again.
        if (this.#opensNothing) {
          replies.error(request, constants.errno.ENOSYS);
          return;
        }
        return OPERATIONS.get(request.opcode)?.(this.#context, request);
      case OP.DESTROY:
        replies.empty(request);
        return;
      default: {
        const operation = OPERATIONS.get(request.opcode);
        return operation === undefined ? replies.error(request, constants.errno.ENOSYS) : operation(this.#context, request);
      }
    }
  }

  #await(request: Request, done: Promise<void>): void {
    const { unique } = request;
    this.#pending.set(unique, request);
    done
      .catch((error: unknown) => this.#fail(request, error))
      .finally(() => {
        this.#pending.delete(unique);
      });
  }

  #fail(request: Request, error: unknown): void {
    if (this.#ended) return;
    // These have no answer.
    if (request.opcode === OP.FORGET || request.opcode === OP.BATCH_FORGET || request.opcode === OP.INTERRUPT) return;
    const errno = errnoOf(error);
    // The kernel turns errors of background requests into EIO, except ENOSPC.
    if (errno === constants.errno.EIO || (request.isBehind && errno !== constants.errno.ENOSPC)) this.#tell(request, error);
    this.#context.replies.error(request, errno);
  }

  /** The kernel refuses a reply: the caller gets EIO. */
  #refused(request: Request, error: unknown): void {
    this.#tell(request, new Error(`the kernel refused the answer: ${errorReason(error)}`, { cause: error }));
  }

  #tell(request: Request, error: unknown): void {
    this.#options.onFault(error, { operation: operationName(request.opcode), subject: request.ino });
  }

  /** Agrees on a version and on what both sides can do. */
  #initialise(request: Request): void {
    const { replies } = this.#context;
    const { scratch } = replies;
    const major = request.u32(0);
    const at = OUT_HEADER_SIZE;
    scratch.fill(0, at, at + 64);
    scratch.writeUInt32LE(FUSE_MAJOR, at);
    scratch.writeUInt32LE(FUSE_MINOR, at + 4);
    if (major < FUSE_MAJOR) {
      replies.error(request, constants.errno.EPROTO);
      return;
    }
    // A kernel with a newer major version sends INIT again with ours.
    if (major === FUSE_MAJOR) {
      const { readOnly, writeback } = this.#options;
      const hasLocks = this.#context.filesystem.locks !== undefined;
      // Locks belong to handles, so files must be opened to have them.
      const isOpened = !readOnly || hasLocks;
      const wanted = WANTED | (writeback ? INIT.WRITEBACK_CACHE : 0) | (isOpened ? 0 : WITHOUT_OPEN) | (hasLocks ? WITH_LOCKS : 0);
      scratch.writeUInt32LE(MAX_READ_AHEAD, at + 8);
      const both = request.u32(12) & wanted;
      this.#opensNothing = !isOpened && (both & WITHOUT_OPEN) === WITHOUT_OPEN;
      scratch.writeUInt32LE(both >>> 0, at + 12);
      scratch.writeUInt16LE(MAX_BACKGROUND, at + 16);
      scratch.writeUInt16LE((MAX_BACKGROUND * 3) / 4, at + 18);
      scratch.writeUInt32LE(MAX_TRANSFER_SIZE, at + 20);
      scratch.writeUInt32LE(1, at + 24);
      scratch.writeUInt16LE(MAX_TRANSFER_SIZE / 4096, at + 28);
    }
    replies.scratched(request, at + 64);
  }
}

/** An operation's name in messages: `copy_file_range`. */
function operationName(opcode: number): string {
  const [name = `operation ${opcode}`] = Object.entries(OP).find(([, code]) => code === opcode) ?? [];
  return name.toLowerCase();
}
