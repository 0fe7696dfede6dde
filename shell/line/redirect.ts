import { endsAsDirectory, resolveLocalPath } from '../../commands/parts/local-path.ts';
import { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { errorCode, errorReason } from '../../core/base/system/system-error.ts';
import { openLocalOutput } from '../../core/export/local-output.ts';
import { FdSink } from '../output/sink.ts';

/** The file that receives a command's output. */
export interface RedirectTarget {
  readonly sink: FdSink;
  /** Gives the finished file its name. */
  commit(): Promise<void>;
  /** Keeps the previous file. Appended lines stay. */
  rollback(): Promise<void>;
}

/** Opens the target of `> file` or `>> file`. @throws {VtError} if it cannot be opened */
export async function openRedirect(target: Octets, cwd: Octets, append: boolean, signal: AbortSignal): Promise<RedirectTarget> {
  const path = resolveLocalPath(cwd, target);
  try {
    const output = await openLocalOutput((endsAsDirectory(target) ? `${path}/` : path) as Octets, append ? 'append' : 'redirect', signal);
    const sink = new FdSink(output.fd);
    return {
      sink,
      async commit() {
        await sink.close();
        output.commit();
      },
      async rollback() {
        output.rollback();
        await Promise.resolve();
      },
    };
  } catch (error) {
    if (error instanceof VtError) throw error;
    const code = errorCode(error) === 'EACCES' || errorCode(error) === 'EPERM' ? 'EPERM' : 'EFAILED';
    throw new VtError(code, `write "${octetsToText(target)}": ${errorReason(error)}`, { cause: error });
  }
}
