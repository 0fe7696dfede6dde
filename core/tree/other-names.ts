import type { Block } from '../block/block.ts';
import { hashcodeOf } from '../block/hashcode.ts';
import { BlockTreeBuilder } from '../block/tree-builder.ts';
import { readSuperblock } from '../block/tree-walk.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { hashOfBlock } from '../dirent/reference-hash.ts';
import type { NamedKind, OtherNames } from '../store/capabilities.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';

/**
 * Converts a Dirent with references of another hash function to the Store's references, if a transition has recorded them.
 *
 * @returns undefined if they are the Store's own, or were never recorded
 */
export async function knownDirent(store: Store, dirent: Dirent): Promise<Dirent | undefined> {
  const names = capability(store, 'names');
  const refs: readonly (readonly [NamedKind, Block | undefined])[] =
    dirent.kind === 'dir'
      ? [
          ['dir', dirent.block],
          ['dir', dirent.inodes],
          ['state', dirent.prev],
        ]
      : [
          ['bytes', dirent.kind === 'file' ? dirent.block : undefined],
          ['state', dirent.prev],
        ];
  if (names === undefined) return undefined;
  const known: (Block | undefined)[] = [];
  for (const [kind, ref] of refs) {
    const found = ref === undefined ? undefined : await knownBlock({ store, names }, kind, ref);
    if (ref !== undefined && found === undefined) return undefined;
    known.push(found);
  }
  if (refs.every(([, ref], i) => ref === known[i])) return undefined;
  const prev = known.at(-1);
  const [block, inodes] = known;
  const own = prev === undefined ? {} : { prev };
  if (dirent.kind === 'dir' && block !== undefined) return { ...dirent, block, ...(inodes === undefined ? {} : { inodes }), ...own };
  return dirent.kind === 'file' && block !== undefined ? { ...dirent, block, ...own } : { ...dirent, ...own };
}

/** Converts a reference; returns the same object if it is the Store's own. */
async function knownBlock(
  at: { readonly store: Store; readonly names: OtherNames },
  kind: NamedKind,
  ref: Block,
): Promise<Block | undefined> {
  switch (ref.kind) {
    case 'literal':
    case 'run':
      return ref;
    case 'sub': {
      const base = await knownBlock(at, kind, ref.base);
      if (base === undefined) return undefined;
      return base === ref.base ? ref : { ...ref, base };
    }
    case 'hash':
      return ref.hashcode.hashName === at.store.hashName ? ref : at.names.find(kind, ref, at.store.hashName);
    case 'indirect':
      if (ref.refs.kind === 'literal') return await knownLeaves(at, kind, ref);
      return hashOfBlock(ref) === at.store.hashName ? ref : at.names.find(kind, ref, at.store.hashName);
  }
}

/** Converts a reference that lists a few leaves itself. */
async function knownLeaves(
  at: { readonly store: Store; readonly names: OtherNames },
  kind: NamedKind,
  ref: Extract<Block, { kind: 'indirect' }>,
): Promise<Block | undefined> {
  const { hashName } = at.store;
  // The transition has stored the superblock that is built here.
  const builder = new BlockTreeBuilder({ hashName, put: (data) => hashcodeOf(hashName, data) });
  const leaves = await readSuperblock(at.store, ref);
  const known: Block[] = [];
  for (const leaf of leaves) {
    const found = await knownBlock(at, kind, leaf);
    if (found === undefined) return undefined;
    known.push(found);
  }
  if (known.every((leaf, i) => leaf === leaves[i])) return ref;
  for (const leaf of known) builder.add(leaf);
  return builder.finish();
}

/** A message that reports the Store's reference for one of another hash function. */
export function otherNameText(known: Dirent): string {
  return `the reference is of another hash function; in this Store it is ${formatDirent(known)}`;
}
