import type { Block } from '../block/block.ts';
import type { HashName } from '../block/hash.ts';
import type { Reference } from './reference.ts';

/** The hash function in a reference; undefined if it contains no hashcode. */
export function hashOfReference(reference: Reference): HashName | undefined {
  switch (reference.kind) {
    case 'block':
      return hashOfBlock(reference.block);
    case 'dirent':
      return 'block' in reference.dirent ? hashOfBlock(reference.dirent.block) : undefined;
    case 'uri': {
      const { target } = reference.uri;
      if (target.kind !== 'dirent') return hashOfBlock(target.block);
      return 'block' in target.dirent ? hashOfBlock(target.dirent.block) : undefined;
    }
  }
}

/** The hash function in a Block reference; undefined if it contains no hashcode. */
export function hashOfBlock(block: Block): HashName | undefined {
  switch (block.kind) {
    case 'hash':
      return block.hashcode.hashName;
    case 'indirect':
      return hashOfBlock(block.refs);
    case 'sub':
      return hashOfBlock(block.base);
    default:
      return undefined;
  }
}
