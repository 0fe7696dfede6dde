import { errorReason } from '../core/base/system-error.ts';
import type { TreePath } from '../core/tree/tree.ts';
import type { ControlServer } from '../fuse/control/control-server.ts';
import { serveControl } from '../fuse/control/control-server.ts';
import { type Fields, octetsField } from '../fuse/control/fields.ts';
import { TreeRequests } from '../fuse/control/tree-requests.ts';
import type { CommandContext } from './command.ts';
import { controlSocket } from './mount-records.ts';

/** What clients of a mount may ask of it besides its tree. */
interface ControlledMount {
  /** The Dir at its top. */
  readonly start: TreePath;
  /** Mounts the tree at one place more. */
  readonly addMount: (fields: Fields) => Promise<Fields>;
}

/** Serves the control channel of a mount; a mount without one is told of, and goes on. */
export async function openControl(
  context: CommandContext,
  mountPoint: string,
  { start, addMount }: ControlledMount,
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
          sync: async (signal) => await session.sync(signal),
          about: { mountpoint: mountPoint, ...octetsField('start', start), pid: process.pid, version: shell.version },
        });
        return {
          run: async (line, answer, signal) => await lines.run(line, answer, signal),
          ask: async (request, signal) => (request['request'] === 'mount' ? await addMount(request) : await requests.ask(request, signal)),
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
