import { existsSync } from 'node:fs';
import { throwIfCancelled, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { ControlChannel } from '../../../fuse/control/control-client.ts';
import { type Fields, octetsField } from '../../../fuse/control/fields.ts';
import { RemoteTree } from '../../../fuse/control/remote-tree.ts';
import { isMounted } from '../../../fuse/mount-table.ts';
import type { CommandContext } from '../../command.ts';
import { resolveLocalPath } from '../local-path.ts';
import { controlSocket, isServed } from './mount-records.ts';

/**
 * The control socket of the running mount that a source names, or to which the session is attached; undefined if there is none.
 *
 * @throws {VtError} EUNSUPPORTED for a mount of another machine
 */
export async function runningMount({ session, shell }: CommandContext, source: Octets | undefined): Promise<string | undefined> {
  if (source === undefined) {
    if (!(session.tree instanceof RemoteTree)) return undefined;
    if (session.tree.socket !== undefined) return session.tree.socket;
    throw new VtError('EUNSUPPORTED', `mount "${session.tree.name}": it is a mount of another machine`, {
      remedy: 'mount its Store here, by ssh://HOST/STORE',
    });
  }
  const path = resolveLocalPath(session.localCwd, source);
  if (!isMounted(path)) return undefined;
  const socket = controlSocket(shell.env, octetsToText(path));
  return existsSync(socket) && (await isServed(path)) ? socket : undefined;
}

/** Makes the process of a running mount serve its tree at another place. */
export async function mountBeside(
  { output, signal }: CommandContext,
  socket: string,
  mountPoint: Octets,
  subpath: TreePath,
  options: string,
): Promise<void> {
  using channel = await ControlChannel.connect(socket, process.getuid?.() ?? 0, { signal });
  const request = { request: 'mount', mountpoint: octetsToText(mountPoint), ...octetsField('subpath', subpath), options };
  const { pid } = await channel.ask(request, { signal });
  output.line(`mounted ${output.name(mountPoint)}`);
  output.record({ mounted: octetsToText(mountPoint), pid });
}

/** Syncs the tree of a running mount. @returns its Dirref; undefined if its process has just ended */
export async function recordThrough(socket: string, signal: AbortSignal): Promise<string | undefined> {
  if (!existsSync(socket)) return undefined;
  using channel = await ControlChannel.connect(socket, process.getuid?.() ?? 0, { signal });
  const { dirref } = await channel.ask({ request: 'sync' }, { signal });
  return typeof dirref === 'string' ? dirref : undefined;
}

/** Content that the process of a mount cannot store. */
export interface UnsavedFiles {
  /** Some of the paths. */
  readonly paths: readonly string[];
  readonly count: number;
  readonly reason: string;
}

/**
 * Makes the process of a mount store everything written to it.
 *
 * @param discard - gives up, with the mount, what cannot be stored
 * @returns what cannot be stored; undefined for nothing, or if the process does not answer
 */
export async function unsavedThrough(socket: string, discard: boolean, signal: AbortSignal): Promise<UnsavedFiles | undefined> {
  if (!existsSync(socket)) return undefined;
  let fields: Fields;
  try {
    using channel = await ControlChannel.connect(socket, process.getuid?.() ?? 0, { signal });
    if (!isAlone(channel)) return undefined;
    fields = await channel.ask({ request: 'unsaved', ...(discard ? { discard } : {}) }, { signal });
  } catch (error) {
    throwIfCancelled(signal);
    // It has an earlier version, or has just ended.
    if (error instanceof VtError) return undefined;
    throw error;
  }
  const { unsaved, count, reason } = fields;
  if (typeof reason !== 'string') return undefined;
  return {
    paths: Array.isArray(unsaved) ? unsaved.filter((path) => typeof path === 'string') : [],
    count: typeof count === 'number' ? count : 0,
    reason,
  };
}

/** The number of files that a running mount could not store so far. */
export async function countUnsavedThrough(socket: string): Promise<number> {
  if (!existsSync(socket)) return 0;
  try {
    using channel = await ControlChannel.connect(socket, process.getuid?.() ?? 0);
    const { unsaved } = channel.about;
    return typeof unsaved === 'number' ? unsaved : 0;
  } catch (error) {
    if (error instanceof VtError) return 0;
    throw error;
  }
}

/** Whether the process serves no other mount of the same tree. */
function isAlone({ about }: ControlChannel): boolean {
  return !Array.isArray(about['mounts']) || about['mounts'].length === 0;
}

/** Unstored names that would be lost with a running mount; 0 if other mounts of the tree stay or the process does not answer. */
export async function leftOutThrough(socket: string, signal: AbortSignal): Promise<number> {
  if (!existsSync(socket)) return 0;
  using channel = await ControlChannel.connect(socket, process.getuid?.() ?? 0, { signal });
  const { left_out: names } = channel.about;
  return typeof names === 'number' && isAlone(channel) ? names : 0;
}
