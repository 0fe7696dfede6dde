import { MemoryStore } from '../../../core/store/memory.ts';
import { formatDirent, parseDirent } from '../../../core/tree/dirent-text.ts';
import { openLiveTree } from '../../../core/tree/live-tree.ts';
import { treeSuite } from '../../conformance/tree-suite.ts';

treeSuite(
  'a live tree over a memory Store',
  async () => {
    const store = new MemoryStore();
    return {
      tree: openLiveTree(store, undefined),
      binds: true,
      reopen: async (tree) => {
        const dirent = parseDirent(formatDirent(await tree.sync()));
        if (dirent.kind !== 'dir') throw new Error('sync gave no Dir');
        return openLiveTree(store, dirent);
      },
      close: () => store[Symbol.asyncDispose](),
    };
  },
  300,
);
