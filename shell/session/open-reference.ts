import type { HashName } from '../../core/block/hash.ts';
import type { Dirent } from '../../core/dirent/dirent.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import type { VtUri } from '../../core/dirent/uri.ts';
import { archiveOf } from '../../core/store/archive-of-store.ts';
import { openLiveTree } from '../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { baseName } from '../../core/tree/path.ts';
import { openSingle, signalOf, usableArchive } from './open-entry.ts';
import { sessionStore } from './open-specification.ts';
import type { OpenedSource, SourceOptions } from './opened-source.ts';
import { DEFAULT_ARCHIVE, REFERENCES_ARCHIVE } from './stores.ts';
import type { StoreWithHost } from './uri-host.ts';

/** Opens the tree of a Dirref, of another kind of reference, or of a URI. */
export async function openReference(text: string, options: SourceOptions): Promise<OpenedSource> {
  const [{ parseTypedReference }, { hashOfReference }, { direntOfReference }, { otherNameText }] = await Promise.all([
    import('../../core/dirent/reference.ts'),
    import('../../core/dirent/reference-hash.ts'),
    import('../../core/tree/reference-dirent.ts'),
    import('../../core/tree/other-names.ts'),
  ]);
  const onOtherName = (known: Dirent): void => options.onNotice(otherNameText(known));
  const reference = parseTypedReference(text);
  const assumedHash = hashOfReference(reference);
  const { store, host } =
    reference.kind === 'uri' && reference.uri.host !== undefined
      ? await hostStore(reference.uri, { ...options, assumedHash })
      : { store: await sessionStore(options, assumedHash), host: undefined };
  const dirent = await direntOfReference(store, reference, { asDir: true, onOtherName, ...signalOf(options) });
  if (dirent.kind !== 'dir') {
    const fallback = reference.kind === 'uri' ? baseName(reference.uri.path as TreePath) : '';
    return { ...(await openSingle(store, dirent, fallback)), archive: undefined };
  }
  // If the reference is the newest root, or nothing is recorded yet, changes continue the archive. Any other reference has no archive to
  // continue.
  const recorded = archiveOf(store, DEFAULT_ARCHIVE);
  const archive = recorded && usableArchive(recorded, store, options);
  const last = await archive?.last(signalOf(options));
  const tree = openLiveTree(store, dirent);
  const opened = { tree, store, archive, archiveName: DEFAULT_ARCHIVE, base: dirent, isReference: true, host };
  if (last === undefined) return { ...opened, mayLackBlocks: true };
  if (formatDirent(last.dirent) === formatDirent(dirent)) return opened;
  return {
    tree,
    store,
    archive: undefined,
    keptIn: archiveOf(store, REFERENCES_ARCHIVE),
    base: dirent,
    isReference: true,
    mayLackBlocks: true,
    host,
  };
}

/** The Store of the session, with the Store of a URI's host behind it. */
async function hostStore(uri: VtUri, options: SourceOptions & { readonly assumedHash: HashName | undefined }): Promise<StoreWithHost> {
  const { storeWithHost } = await import('./uri-host.ts');
  const { store, host } = await storeWithHost(options.storeSpecification ?? 'default', uri, options);
  return { store: await options.wrapStore(store), host };
}
