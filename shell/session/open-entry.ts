import { basename } from 'node:path';
import type { Archive, ArchiveEntry } from '../../core/archive/archive.ts';
import { findEntry } from '../../core/archive/find-entry.ts';
import { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { Dirent, IndirectDirent } from '../../core/dirent/dirent.ts';
import type { UsableArchiveOptions } from '../../core/history/usable-archive.ts';
import { UsableArchive } from '../../core/history/usable-archive.ts';
import type { Store } from '../../core/store/store.ts';
import { openLiveTree } from '../../core/tree/live/live-tree.ts';
import { joinPath, ROOT_PATH } from '../../core/tree/path.ts';
import type { OpenedSource, SourceOptions } from './opened-source.ts';
import { PlanStore } from './plan-store.ts';
import { ReadOnlyTree } from './read-only-tree.ts';

/**
 * Opens the newest state of an archive, or a past one, which is read-only.
 *
 * @param past - names the past state, without the `@`
 * @throws {VtError} EOPEN if no line of the archive can be read, or if there is no such state
 */
export async function openEntry(store: Store, recorded: Archive, past: string | undefined, options: SourceOptions): Promise<OpenedSource> {
  const archive = usableArchive(recorded, store, options);
  let damage: string | undefined;
  const onDamage = (reason: string): void => {
    damage ??= reason;
  };
  const entry: ArchiveEntry | undefined =
    past === undefined
      ? await archive.last({ ...signalOf(options), onDamage })
      : await findEntry(archive, past, options.now(), signalOf(options));
  if (damage !== undefined) {
    if (entry === undefined)
      throw new VtError('EOPEN', `open archive "${archive.name}": none of its lines can be read: ${damage}`, {
        remedy: 'restore the file from a copy, or move it away to start a new one: your Dirrefs still open their trees',
      });
    options.onNotice(`archive "${archive.name}": its last line cannot be read (${damage}); the state before it is open`);
  }
  const root = entry?.dirent;
  if (root?.kind === 'indirect')
    throw new VtError('EOPEN', `open "${archive.name}": it records one name of a hard-linked file, without its content`);
  if (root !== undefined && root.kind !== 'dir') return { ...(await openSingle(store, root, basename(archive.name, '.vt'))), archive };
  const live = openLiveTree(store, root);
  const tree = past === undefined ? live : new ReadOnlyTree(live, `${archive.name}@${past}`);
  return { tree, store, archive, base: root, number: past === undefined ? undefined : entry?.number };
}

/** Opens a node that is not a Dir: the tree is a read-only Dir with this one entry. @param fallback - its name if it has none */
export async function openSingle(
  store: Store,
  dirent: Exclude<Dirent, IndirectDirent>,
  fallback: string,
): Promise<Omit<OpenedSource, 'archive'>> {
  const name = (dirent.name !== '' ? dirent.name : fallback !== '' ? fallback : dirent.kind) as Octets;
  // The Dir is made in memory: the Store may be read-only, and nothing has changed.
  const tree = openLiveTree(new PlanStore(store, true), undefined);
  await tree.bind(joinPath(ROOT_PATH, name), { ...dirent, name });
  return { tree: new ReadOnlyTree(tree, octetsToText(name)), store, base: undefined };
}

/** Wraps an archive so that sessions skip unreadable states. */
export function usableArchive(archive: Archive, store: Store, { onNotice }: SourceOptions): Archive {
  const isReadable: UsableArchiveOptions['isReadable'] = async (root, options) =>
    await (await import('../../core/maintain/is-readable.ts')).isReadable(store, root, options);
  return new UsableArchive(archive, store, { onNotice, isReadable });
}

/** The signal as an option of operations. */
export function signalOf({ signal }: SourceOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
