import { PathError, VtError } from '../../core/base/errors.ts';
import { ItemError } from '../../core/base/item-error.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToText } from '../../core/base/octets.ts';
import { homeFolder } from '../../core/base/system/home-folder.ts';
import { errorReason } from '../../core/base/system/system-error.ts';
import type { Dirent } from '../../core/dirent/dirent.ts';
import { formatUri } from '../../core/dirent/uri.ts';
import { expandHome } from '../../core/openers/home-path.ts';
import { archiveOf } from '../../core/store/archive-of-store.ts';
import { canWrite, capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';
import { openLiveTree } from '../../core/tree/live/live-tree.ts';
import { baseName, joinPath, ROOT_PATH } from '../../core/tree/path.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';
import { pathArgument } from '../parts/entry.ts';
import { httpdUrl } from '../parts/httpd-records.ts';
import { resolveLocalPath } from '../parts/local-path.ts';
import { storeFolderTest } from '../parts/move/store-folders.ts';

/** The archive that keeps what was published from gc. */
const PUBLISHED_ARCHIVE = 'published';

type Node = Exclude<Dirent, { kind: 'indirect' }>;

/** `publish`: a tree as one URI. */
export const publish = defineCommand({
  name: 'publish',
  group: 'move',
  summary: 'store a file or tree, and print an x-vt: URI that opens it anywhere',
  details: [
    'publish makes a Dir with PATHNAME as its only entry, and prints x-vt:/REFERENCE/NAME/. Anybody who can reach the Blocks can open it: by `vtftp URI`, bind, merge, or below /d/ of httpd. The open tree stays as it is.',
    'PATHNAME is a path in the open tree. If the tree has no such name, it is a local file or directory. -l always takes the local one. publish stores the Blocks of a local one that the Store lacks.',
    '--to PEER sends the Blocks to a peer too, and records the Dir in the archive "published" there. If your httpd serves this Store, publish prints the URL of the page on a second line at a terminal, and as url with --json.',
    'The archive "published" of the Store keeps what was published, so gc does not free it. To list it, open STORE@published and run log. The same PATHNAME, unchanged, gives the same URI.',
  ],
  changesLocal: true,
  args: [{ name: 'pathname', kind: 'stored', summary: 'a path in the tree, or a local one', glob: false }],
  options: [
    { name: 'local', short: 'l', summary: 'PATHNAME is a local path' },
    { name: 'to', value: { name: 'PEER', kind: 'text' }, summary: 'send the Blocks to this peer or Store too' },
  ],
  examples: [
    { line: 'publish docs', says: 'open it elsewhere by: vtftp x-vt:/…/docs/' },
    { line: 'publish -l ~/notes.txt', says: 'a local file' },
    { line: 'publish --to ssh://host docs', says: 'people who can reach only that host open it from there' },
  ],
  records: [{ name: 'Published', summary: 'the URI, and the URL of a page', fields: { uri: 'text', url: 'text?' } }],
  async run(context, { args: [pathname = '' as Octets], options }) {
    const { session, output, signal } = context;
    const dirent = (options.has('local') ? undefined : await storedNode(context, pathname)) ?? (await localNode(context, pathname));
    await using tree = openLiveTree(session.store, undefined);
    await tree.bind(joinPath(ROOT_PATH, dirent.name), dirent, { signal });
    const root = await tree.sync({ signal });
    if (root.kind !== 'dir') throw new TypeError('publish: a tree has a Dir at its top');
    await keep(context, session.store, root);
    const to = options.get('to');
    if (to !== undefined) await pushTo(context, to, root);
    // Only the Dirent has the table of hard links.
    const target =
      root.inodes === undefined ? ({ kind: 'block', block: root.block } as const) : ({ kind: 'dirent', dirent: root } as const);
    const uri = formatUri({ target, path: `/${dirent.name}` as Octets, isDir: dirent.kind === 'dir' });
    output.line(uri);
    const daemon = httpdUrl(context.shell.env, session.store);
    const url = daemon === undefined ? undefined : `${daemon}d${uri.slice('x-vt:'.length)}`;
    // In scripts the URI is the only line.
    if (url !== undefined && output.terminal) output.line(url);
    output.record({ uri, ...(url === undefined ? {} : { url }) });
  },
});

/** The node at a path of the open tree; undefined if there is none. */
async function storedNode({ session, signal }: CommandContext, pathname: Octets): Promise<Node | undefined> {
  const { tree } = session;
  const path = pathArgument(session, pathname);
  const found = tree.can.sync ? await tree.lookup(path, { signal, follow: false }) : undefined;
  if (found === undefined) return undefined;
  if (path === ROOT_PATH) throw new PathError('EINVAL', 'publish', '/' as Octets, { remedy: 'name an entry of it: the root has no name' });
  return { ...(await tree.dirent(path, { signal })), name: baseName(path) };
}

/** A local file or tree, stored. */
async function localNode({ session, shell, diagnostics, signal }: CommandContext, pathname: Octets): Promise<Node> {
  const { importLocal } = await import('../../core/import/import.ts');
  const home = homeFolder(shell.env['HOME']);
  const typed = pathname.startsWith('~') ? octetsFromText(expandHome(octetsToText(pathname), home)) : pathname;
  const local = resolveLocalPath(session.localCwd, typed);
  const fail = (error: unknown): never => {
    if (error instanceof VtError) throw error;
    throw new VtError('EFAILED', `publish "${octetsToText(local)}": ${errorReason(error)}`, { cause: error });
  };
  const { dirent } = await importLocal(session.store, local, {
    signal,
    isStoreFolder: storeFolderTest(capability(session.store, 'folders') ?? []),
    onFailure: (failed, error) => diagnostics.failure(new ItemError('publish', failed, error)),
    onWarning: (where, what) => diagnostics.warn(`publish "${octetsToText(where)}": ${what}`),
    onProgress: ({ doneBytes, files, newBlocks, existingBlocks }) =>
      diagnostics.progress({ label: 'publish', doneBytes, doneItems: files, newBlocks, existingBlocks }),
  }).catch(fail);
  return dirent;
}

/** Records a published root in a Store, unless it is recorded already. */
async function keep({ diagnostics, now, signal }: CommandContext, store: Store, root: Node): Promise<void> {
  const archive = canWrite(store) ? archiveOf(store, PUBLISHED_ARCHIVE) : undefined;
  if (archive === undefined) {
    diagnostics.warn(`publish: Store "${store.name}" keeps no list of published trees: gc may free this one`);
    return;
  }
  await capability(store, 'making')?.make();
  const { hasRoot } = await import('../../core/archive/has-root.ts');
  if (await hasRoot(archive, root, { signal })) return;
  const nowNs = BigInt(now().getTime()) * 1_000_000n;
  await archive.append(
    async (last) => await Promise.resolve({ whenNs: last === undefined || last.whenNs < nowNs ? nowNs : last.whenNs + 1n, dirent: root }),
    { signal },
  );
}

/** Sends a published root to a peer. */
async function pushTo(context: CommandContext, word: true | Octets, root: Node): Promise<void> {
  const { session, diagnostics, signal } = context;
  const { openPeer } = await import('../parts/move/open-peer.ts');
  const { SyncProcess } = await import('../../core/sync/sync-process.ts');
  const { peer, isOurs } = await openPeer(context, 'publish', word, false);
  try {
    await session.store.flush({ signal });
    const work = new SyncProcess(session.store, peer.store, {
      near: 'from',
      signal,
      onProgress: ({ progressDone, progressTotal, doneBlocks }) =>
        diagnostics.progress({
          label: `publish to ${peer.name}`,
          doneBytes: progressDone,
          totalBytes: progressTotal,
          doneItems: doneBlocks,
        }),
    });
    await work.estimateDirent(root, ROOT_PATH);
    await work.transfer();
    const [fault] = work.faults;
    if (fault !== undefined)
      throw new VtError('EMISSING', `publish: a Block of "${octetsToText(fault.path)}" is not available: ${fault.error.message}`, {
        remedy: 'fsck lists what is missing, repair may restore it',
      });
    await keep(context, peer.store, root);
    await peer.store.flush({ signal });
  } finally {
    if (isOurs) await peer.store[Symbol.asyncDispose]();
  }
}
