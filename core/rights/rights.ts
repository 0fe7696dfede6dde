import { VtError } from '../base/errors.ts';
import { compileGlob } from '../base/glob-pattern.ts';
import { appendAll } from '../base/lists.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromText } from '../base/octets.ts';

/** Archives whose names fit a pattern, or what is below a path in each of them. */
export interface ReadGrant {
  readonly fits: (archive: string) => boolean;
  /** The names down to the Dir that is shown in place of the root; none for the whole tree. */
  readonly below: readonly Octets[];
}

/** What somebody may do. Nothing that is not here. */
export interface Rights {
  /** Everything that the server does at all, as its owner: roots may be dated back too. */
  readonly isOwner: boolean;
  /** The archives that may be read. The first that fits counts. */
  readonly reads: readonly ReadGrant[];
  /** The archives that may be added to. */
  readonly adds: readonly ((archive: string) => boolean)[];
  /** Whether every archive may be read, and so every Block, whatever refers to it. */
  readonly readsAll: boolean;
  /** Whether a Store may be used, by the name under which it is served; '' for the one without. */
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

/** The name of the Store without a name in `export=`. */
const UNNAMED = '-';

/**
 * Reads the words of a line that give rights: `all`, `read`, `read=ARCHIVE[/PATH],…`, `add`, `add=ARCHIVE,…`, `export=NAME,…`. Names are shell
 * patterns. The right to add to an archive includes reading it.
 *
 * @throws {VtError} EUSAGE for a word that gives none, and where there is none
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

/** What of an archive somebody may read; undefined for nothing. */
export function readGrant({ reads }: Rights, archive: string): ReadGrant | undefined {
  return reads.find(({ fits }) => fits(archive));
}

/** Whether somebody may record roots in an archive. */
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

/** `%20` and the like: a space, a comma, or a slash would end a name. */
function unescaped(text: string): Octets {
  return octetsFromText(text).replace(/%([\da-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) as Octets;
}
