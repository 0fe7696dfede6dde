import type { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { errorReason } from '../../../core/base/system/system-error.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import type { ControlServer } from '../../../fuse/control/control-server.ts';
import { serveControl } from '../../../fuse/control/control-server.ts';
import { type Fields, octetsField } from '../../../fuse/control/fields.ts';
import { TreeRequests } from '../../../fuse/control/tree-requests.ts';
import type { ControlXattrs } from '../../../fuse/live/control-xattrs.ts';
import type { CommandContext } from '../../command.ts';
import { controlSocket } from './mount-records.ts';

/** Requests that clients of a mount may make besides those on its tree. */
interface ControlledMount {
  /** The Dir that the mount shows at its top. */
  readonly start: TreePath;
  /** The Dirs at the tops of the further mounts, by mount point. */
  readonly tops: ReadonlyMap<string, TreePath>;
  /** Mounts the tree at one more place. */
  readonly addMount: (fields: Fields) => Promise<Fields>;
  /** Stores all waiting data before the mount ends. @returns what could not be stored */
  readonly unsaved: (fields: Fields) => Promise<Fields>;
  /** The number of files that could not be stored so far. */
  readonly countUnsaved: () => number;
}

/**
 * The functions behind `user.x-vt-control` of a mount. Each line is run by a new client, in the Dir at the mount's top.
 *
 * @param socketOf - the mount point to which the control socket belongs
 * @param top - the Dir at the mount's top
 */
export function controlXattrs(
  context: CommandContext,
  socketOf: string,
  top: TreePath,
  { appendOnly }: { readonly appendOnly: boolean },
): ControlXattrs {
  const { shell } = context;
  return {
    socket: controlSocket(shell.env, socketOf),
    uid: process.getuid?.() ?? 0,
    async run(line, answer, signal) {
      const client = await shell.newClient();
      const send = async (record: Fields): Promise<void> => {
        answer(record);
        await Promise.resolve();
      };
      if (appendOnly) return { status: 12, error: 'run a command: this mount is append-only', code: 'EPERM' satisfies VtError['code'] };
      const moved = top === '/' ? undefined : await client.run({ argv: ['cd', '--', top] as Octets[] }, send, signal);
      return moved === undefined || moved['status'] === 0 ? await client.run({ line }, send, signal) : moved;
    },
  };
}

/** Serves the control channel of a mount. A failure is reported, and the mount continues without the channel. */
export async function openControl(
  context: CommandContext,
  mountPoint: string,
  { start, tops, addMount, unsaved, countUnsaved }: ControlledMount,
): Promise<ControlServer | undefined> {
  const { shell, session, diagnostics } = context;
  try {
    return await serveControl({
      path: controlSocket(shell.env, mountPoint),
      uid: process.getuid?.() ?? 0,
      newClient: async () => {
        const lines = await shell.newClient();
        const requests = new TreeRequests({
          get tree() {
            return session.tree;
          },
          archive: session.archive,
          sync: async (signal, as) => await session.sync(signal, as),
          become: async (action, target, newest, signal) => await session.become(action, target, newest, signal),
          refresh: async (signal) => await session.refresh(signal),
          recordBefore: async (path, signal) => await session.recordBefore(path, signal),
          keep: async (signal) => await session.keep(signal),
          about: {
            mountpoint: mountPoint,
            ...octetsField('start', start),
            mounts: [...tops].map(([mountpoint, top]) => ({ mountpoint, ...octetsField('start', top) })),
            pid: process.pid,
            get unsaved() {
              return countUnsaved();
            },
            version: shell.version,
          },
        });
        return {
          run: async (commands, answer, signal) => {
            const end = await lines.run(commands, answer, signal);
            await requests.told();
            return end;
          },
          ask: async (request, signal) => {
            if (request['request'] === 'mount') return await addMount(request);
            return request['request'] === 'unsaved' ? await unsaved(request) : await requests.ask(request, signal);
          },
          noMore: () => requests.noMore(),
          end: async () => await requests.end(),
        };
      },
    });
  } catch (error) {
    diagnostics.warn(`mount "${mountPoint}": it has no control channel: ${errorReason(error)}`);
    return undefined;
  }
}
