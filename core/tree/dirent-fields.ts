import type { Octets } from '../base/octets.ts';
import type { Block } from '../block/block.ts';
import { EMPTY_BLOCK } from '../block/block.ts';
import type { Dirent, DirentKind, UnknownField } from './dirent.ts';
import { FIRST_UNKNOWN_TAG, MIN_SALT_SIZE } from './dirent-tags.ts';
import type { Meta } from './meta.ts';

/** What a Dirent may have, of whatever kind: what decoders and parsers gather before they make one. */
export interface DirentFields {
  name?: Octets;
  meta?: Meta;
  block?: Block;
  uuid?: string;
  inodes?: Block;
  prev?: Block;
  target?: Octets;
  salt?: Uint8Array;
  nlink?: number;
  links?: number;
  unknown?: readonly UnknownField[];
}

/**
 * What is wrong with a Dirent's name, or undefined. Nothing is wrong with the empty one, which a root may have.
 */
export function direntNameFault(name: Octets): string | undefined {
  if (name === '.' || name === '..') return `the name "${name}"`;
  if (name.includes('/')) return 'a name with "/"';
  if (name.includes('\0')) return 'a name with NUL';
  return undefined;
}

/** What is wrong with a symlink's target, or undefined. */
export function targetFault(target: Octets): string | undefined {
  if (target === '') return 'an empty target';
  return target.includes('\0') ? 'a target with NUL' : undefined;
}

/**
 * Makes a Dirent of its fields, if they are those of its kind.
 *
 * @param fail - makes the error to throw, of what is wrong
 */
export function assembleDirent(kind: DirentKind, fields: DirentFields, fail: (what: string) => Error): Dirent {
  const { block, uuid, inodes, prev, target, salt, nlink, links, unknown } = fields;
  const refuse = (name: string, value: unknown): void => {
    if (value !== undefined) throw fail(`a ${kind} Dirent with ${name}`);
  };
  const name = fields.name ?? ('' as Octets);
  const nameFault = direntNameFault(name);
  if (nameFault !== undefined) throw fail(nameFault);
  const common = {
    name,
    meta: fields.meta ?? {},
    ...(uuid === undefined ? {} : { uuid }),
    ...(prev === undefined ? {} : { prev }),
    ...(nlink === undefined ? {} : { nlink }),
    ...(unknown === undefined || unknown.length === 0 ? {} : { unknown: checkedUnknown(unknown, fail) }),
  };
  if (kind !== 'dir') {
    refuse('inodes', inodes);
    refuse('links', links);
    refuse('salt', salt);
    if (kind !== 'file') refuse('a block', block);
  }
  if (kind !== 'symlink') refuse('a target', target);
  switch (kind) {
    case 'file':
      return { ...common, kind, block: block ?? EMPTY_BLOCK };
    case 'dir':
      if (salt !== undefined && salt.length < MIN_SALT_SIZE) throw fail(`salt of ${salt.length} octets`);
      return {
        ...common,
        kind,
        block: block ?? EMPTY_BLOCK,
        ...(inodes === undefined ? {} : { inodes }),
        ...(links === undefined || links === 0 ? {} : { links }),
        ...(salt === undefined ? {} : { salt }),
      };
    case 'symlink': {
      if (target === undefined) throw fail('a symlink Dirent without its target');
      const fault = targetFault(target);
      if (fault !== undefined) throw fail(fault);
      return { ...common, kind, target };
    }
    case 'indirect':
      if (uuid === undefined) throw fail('an indirect Dirent without its uuid');
      return { ...common, kind, uuid };
    case 'fifo':
    case 'socket':
    case 'char':
    case 'block':
      return { ...common, kind };
  }
}

function checkedUnknown(unknown: readonly UnknownField[], fail: (what: string) => Error): readonly UnknownField[] {
  let last = FIRST_UNKNOWN_TAG - 1;
  for (const { tag } of unknown) {
    if (tag <= last) throw fail(`unknown field ${tag} out of order`);
    last = tag;
  }
  return unknown;
}
