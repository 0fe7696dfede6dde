import { PathError, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Block } from '../block/block.ts';
import { readBlockBytes } from '../block/read-range.ts';
import { withSpan } from '../block/tree-walk.ts';
import type { Dirent, IndirectDirent } from '../dirent/dirent.ts';
import { decodeDirent } from '../dirent/dirent-codec.ts';
import type { Reference } from '../dirent/reference.ts';
import type { Store } from '../store/store.ts';
import { openLiveTree } from './live/live-tree.ts';
import { knownDirent } from './other-names.ts';
import type { TreePath } from './path.ts';

type NodeDirent = Exclude<Dirent, IndirectDirent>;

/** Maximum octets of a Dirent that is stored as a Block. */
const MAX_STORED_DIRENT_SIZE = 1024 * 1024;

/** Options of {@link direntOfReference}. */
export interface ReferenceOptions extends OpOptions {
  /** Treat a Block reference as an encoded Dir; default: as the content of a file. */
  readonly asDir?: boolean;
  /** Called with the Store's own Dirent if the reference has another hash function. */
  readonly onOtherName?: ((known: Dirent) => void) | undefined;
}

/**
 * Finds the Dirent of a reference, with known span. The reference is a Dirent, a Block (a nameless file or Dir), or a URI whose path
 * is followed.
 *
 * @throws {PathError} ENOENT if a URI's path does not exist
 * @throws {MissingBlockError} if a Block needed on the way is not in the Store
 */
export async function direntOfReference(store: Store, reference: Reference, options: ReferenceOptions = {}): Promise<NodeDirent> {
  switch (reference.kind) {
    case 'dirent':
      return await nodeOf(store, reference.dirent, options);
    case 'block':
      return await nodeOf(store, nameless(reference.block, options.asDir === true ? 'dir' : 'file'), options);
    case 'uri': {
      const { target, path, isDir } = reference.uri;
      const top = await targetDirent(store, target, path !== '' || isDir, options);
      return path === '' ? top : await below(store, top, path as TreePath, options);
    }
  }
}

function nameless(block: Block, kind: 'file' | 'dir'): NodeDirent {
  return { kind, name: '' as Octets, meta: {}, block };
}

async function targetDirent(
  store: Store,
  target: Extract<Reference, { kind: 'uri' }>['uri']['target'],
  isDir: boolean,
  options: ReferenceOptions,
): Promise<NodeDirent> {
  switch (target.kind) {
    case 'dirent':
      return await nodeOf(store, target.dirent, options);
    case 'block':
      return await nodeOf(store, nameless(target.block, isDir ? 'dir' : 'file'), options);
    case 'stored-dirent': {
      const data = await readBlockBytes(store, target.block, { maxSize: MAX_STORED_DIRENT_SIZE, signal: options.signal });
      return await nodeOf(store, decodeDirent(data, 0).value, options);
    }
  }
}

async function nodeOf(store: Store, dirent: Dirent, options: ReferenceOptions): Promise<NodeDirent> {
  if (dirent.kind === 'indirect') {
    throw new VtError('EFAILED', `read reference "${octetsToText(dirent.name)}": one name of a hard-linked file, without its content`, {
      remedy: 'give the Dirref of a Dir above it',
    });
  }
  const known = await knownDirent(store, dirent);
  if (known !== undefined) {
    options.onOtherName?.(known);
    return await nodeOf(store, known, options);
  }
  if (dirent.kind !== 'file' && dirent.kind !== 'dir') return dirent;
  return { ...dirent, block: await withSpan(store, dirent.block, options.signal) };
}

async function below(store: Store, top: NodeDirent, path: TreePath, options: ReferenceOptions): Promise<NodeDirent> {
  if (top.kind !== 'dir') throw new PathError('ENOTDIR', 'read reference', path);
  await using tree = openLiveTree(store, top, { name: store.name });
  return await tree.dirent(path, options);
}
