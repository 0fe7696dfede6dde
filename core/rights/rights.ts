import { VtError } from '../base/errors.ts';
import { compileGlob } from '../base/glob-pattern.ts';
import { appendAll } from '../base/lists.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromText } from '../base/octets.ts';

/** The right to read archives whose names match a pattern, or one Dir in each of them. */
export interface ReadGrant {
  readonly fits: (archive: string) => boolean;
  /** The names from the root to the Dir that is shown as the root; empty for the whole tree. */
  readonly below: readonly Octets[];
}

/** The rights of a client. Anything not listed is forbidden. */
export interface Rights {
  /** Everything the server offers, as its owner; this includes recording roots with earlier dates. */
  readonly isOwner: boolean;
  /** The archives that may be read. The first match counts. */
  readonly reads: readonly ReadGrant[];
  /** The archives that may be added to. */
  readonly adds: readonly ((archive: string) => boolean)[];
  /** Whether every archive may be read, and so every Block. */
  readonly readsAll: boolean;
  /** Whether an export may be used, given its name; '' for the unnamed one. */
  readonly mayUse: (exportName: string) => boolean;
}

/** The rights of the owner. */
export const OWNER: Rights = {
  isOwner: true,
  reads: [{ fits: () => true, below: [] }],
  adds: [() => true],
  readsAll: true,
  mayUse: () => true,
};

/** The name of the unnamed export in `export=`. */
const UNNAMED = '-';

/**
 * Reads the rights of a line: `all`, `read`, `read=ARCHIVE[/PATH],…`, `add`, `add=ARCHIVE,…`, `export=NAME,…`. Names are shell patterns.
 * The right to add to an archive includes reading it.
 *
 * @throws {VtError} EUSAGE for an unknown word, or if no word gives a right
 */
export function parseRights(words: readonly string[]): Rights {
  const reads: ReadGrant[] = [];
  const adds: ((archive: string) => boolean)[] = [];
  const exports: ((name: string) => boolean)[] = [];
  let isOwner = false;
  let readsAll = false;
  for (const word of words) {
    const [, kind = '', values] = /^([a-z]+)(?:=(.+))?$/s.exec(word) ?? [];
    const list = values?.split(',');
    if (kind === 'all' && list === undefined) isOwner = true;
    else if (kind === 'read' && list !== undefined) appendAll(reads, list.map(parseGrant));
    else if (kind === 'add' && list !== undefined)
      appendAll(
        adds,
        list.map((name) => parseName(name)),
      );
    else if (kind === 'export' && list !== undefined)
      appendAll(
        exports,
        list.map((name) => parseName(name === UNNAMED ? '' : name)),
      );
    else if (kind === 'read' && values === undefined) readsAll = true;
    else if (kind === 'add' && values === undefined) {
      readsAll = true;
      adds.push(() => true);
    } else
      throw new VtError('EUSAGE', `"${word}" gives no right`, {
        remedy: 'use all, read, read=ARCHIVE/PATH, add, add=ARCHIVE, export=NAME',
      });
  }
  const mayUse = exports.length === 0 ? (name: string) => isOwner || name === '' : (name: string) => exports.some((fits) => fits(name));
  if (isOwner) return { ...OWNER, mayUse };
  if (!readsAll && reads.length === 0 && adds.length === 0)
    throw new VtError('EUSAGE', 'it gives no right', { remedy: 'add read, or add' });
  const own = adds.map((fits) => ({ fits, below: [] }));
  const all = readsAll ? [{ fits: () => true, below: [] }] : [];
  return { isOwner, reads: [...all, ...own, ...reads], adds, readsAll, mayUse };
}

/** The right of a client to read an archive; undefined if it has none. */
export function readGrant({ reads }: Rights, archive: string): ReadGrant | undefined {
  return reads.find(({ fits }) => fits(archive));
}

/** Whether a client may record roots in an archive. */
export function mayAddTo({ adds }: Rights, archive: string): boolean {
  return adds.some((fits) => fits(archive));
}

function parseGrant(text: string): ReadGrant {
  const [name = '', ...below] = text.split('/');
  return { fits: parseName(name), below: below.filter((part) => part !== '').map(unescaped) };
}

function parseName(text: string): (name: string) => boolean {
  if (text === '') return (name) => name === '';
  const fits = compileGlob(unescaped(text));
  return (name) => fits(octetsFromText(name));
}

/** Decodes `%20` and the like: a space, comma or slash would end a name. */
function unescaped(text: string): Octets {
  return octetsFromText(text).replace(/%([\da-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) as Octets;
}
