import { join } from 'node:path';
import { storeContent } from '../../../core/blockify/store-content.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import type { LiveTree } from '../../../core/tree/live/live-tree.ts';
import { ChannelStore } from '../../../fuse/control/channel-store.ts';
import { ControlChannel } from '../../../fuse/control/control-client.ts';
import { serveControl } from '../../../fuse/control/control-server.ts';
import { RemoteTree } from '../../../fuse/control/remote-tree.ts';
import { TreeRequests } from '../../../fuse/control/tree-requests.ts';

/** A live tree behind a control socket, without a mount. */
export interface ServedTestTree extends AsyncDisposable {
  readonly path: string;
  /** Another shell that is attached. */
  readonly attach: () => Promise<RemoteTree>;
  readonly connect: () => Promise<ControlChannel>;
}

/** Serves a tree in a folder. */
export async function serveTestTree(tree: LiveTree, folder: string): Promise<ServedTestTree> {
  const path = join(folder, 'control', 'socket');
  const uid = process.getuid?.() ?? 0;
  const server = await serveControl({
    path,
    uid,
    newClient: async () => {
      const requests = new TreeRequests({
        tree,
        archive: undefined,
        sync: async (signal) => formatDirent((await tree.sync({ signal })) as Dirent),
        become: async () => await Promise.reject(new Error('no states here')),
        recordBefore: async () => await Promise.resolve(),
        refresh: async () => await Promise.resolve(),
        keep: async () => await Promise.resolve(),
        about: { mountpoint: folder },
      });
      return await Promise.resolve({
        run: async () => await Promise.reject(new Error('no commands here')),
        ask: async (request, signal) => await requests.ask(request, signal),
        noMore: () => requests.noMore(),
        end: async () => await requests.end(),
      });
    },
  });
  const connect = async (): Promise<ControlChannel> => await ControlChannel.connect(path, uid);
  return {
    path,
    connect,
    async attach() {
      const channel = await connect();
      return new RemoteTree({ channel, store: new ChannelStore(channel), storeContent, again: connect });
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
    },
  };
}
