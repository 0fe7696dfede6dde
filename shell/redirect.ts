import { closeSync, constants, fchmodSync, openSync, realpathSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { resolveLocalPath } from '../commands/local-path.ts';
import { throwIfCancelled, VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsToBytes, octetsToText } from '../core/base/octets.ts';
import { errorCode, errorReason } from '../core/base/system-error.ts';
import { FdSink } from './sink.ts';

/** How often a FIFO is looked at that nobody reads yet, in milliseconds. */
const FIFO_LOOK_MS = 50;

/** The file that a command's output goes to. */
export interface RedirectTarget {
  readonly sink: FdSink;
  /** Puts the file under its name. */
  commit(): Promise<void>;
  /** Leaves what was there before. Appended lines stay. */
  rollback(): Promise<void>;
}

/**
 * Opens the target of `> file` or `>> file`. A new or replaced file is written under a temporary name and renamed, so
 * that no half one ever stands there; what is no ordinary file (`/dev/null`, a FIFO) is written as it is.
 */
export async function openRedirect(target: Octets, cwd: Octets, append: boolean, signal: AbortSignal): Promise<RedirectTarget> {
  const path = octetsToBytes(resolveLocalPath(cwd, target));
  try {
    const present = statSync(path, { throwIfNoEntry: false });
    if (append || (present !== undefined && !present.isFile())) {
      const flags = constants.O_WRONLY | constants.O_CREAT | (append ? constants.O_APPEND : 0);
      const fd = present?.isFIFO() === true ? await openFifo(path, signal) : openSync(path, flags, 0o666);
      const sink = new FdSink(fd, undefined, true);
      return { sink, commit: () => sink.close(), rollback: () => sink.close() };
    }
    const final = present === undefined ? path : Buffer.from(realpathSync(path, 'buffer'));
    const temporary = Buffer.concat([final, Buffer.from(`.${process.pid}.${Date.now().toString(36)}.part`)]);
    const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
    if (present !== undefined) fchmodSync(fd, present.mode & 0o7777);
    const sink = new FdSink(fd);
    return {
      sink,
      async commit() {
        await sink.close();
        renameSync(temporary, final);
        closeSync(fd);
      },
      async rollback() {
        closeSync(fd);
        unlinkSync(temporary);
      },
    };
  } catch (error) {
    if (error instanceof VtError) throw error;
    throw new VtError(isDenied(error) ? 'EPERM' : 'EFAILED', `write "${octetsToText(target)}": ${errorReason(error)}`, { cause: error });
  }
}

/** Waits until somebody reads a FIFO. open(2) would wait too, and nothing but SIGKILL would end that. */
async function openFifo(path: Buffer, signal: AbortSignal): Promise<number> {
  for (;;) {
    throwIfCancelled(signal);
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (errorCode(error) !== 'ENXIO') throw error;
    }
    await delay(FIFO_LOOK_MS);
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}
