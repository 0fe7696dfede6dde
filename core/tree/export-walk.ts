import { CorruptBlockError, MissingBlockError, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { BlockSource } from '../store/store.ts';
import { DirReader } from './dir-reader.ts';
import type { Dirent, DirDirent, IndirectDirent } from './dirent.ts';

/** A Dirent of a node that is no Dir, hard links resolved. */
export type NodeDirent = Exclude<Dirent, DirDirent | IndirectDirent>;

/** The identity of a hard-linked node: the Dir whose table holds it, and its uuid. */
export interface HardLink {
  readonly key: string;
  /** How many names it has, where the table says. */
  readonly nlink: number | undefined;
}

/** What the walk meets. Paths are relative to the top, whose own is empty. */
export type WalkStep =
  | { readonly kind: 'enter'; readonly path: Octets; readonly name: Octets; readonly dirent: DirDirent }
  | { readonly kind: 'leave'; readonly path: Octets }
  | { readonly kind: 'node'; readonly path: Octets; readonly name: Octets; readonly dirent: NodeDirent; readonly link: HardLink | undefined }
  /** Something that cannot be walked; the rest goes on. Of a Dir that was entered, what comes before the damage was given. */
  | { readonly kind: 'damage'; readonly path: Octets; readonly error: Error };

interface OpenDir {
  readonly path: Octets;
  readonly dirent: DirDirent;
  readonly entries: AsyncIterator<Dirent>;
  readonly parent: OpenDir | undefined;
  /** Tells scopes apart. */
  readonly number: number;
  last: Octets | undefined;
}

/**
 * Walks a self-contained Dirent depth first, in the order of names; holds one open listing a level. Give `'skip'` to
 * `next` after an `enter` to leave the Dir at once, with its `leave`.
 *
 * A name that could mean another place (empty, `.`, `..`, with `/` or NUL in it), and a name that comes twice in one
 * Dir, is damage.
 *
 * @throws {VtError} ECANCELLED, and what is wrong with the Store as a whole
 */
export async function* walkForExport(source: BlockSource, top: Dirent, signal?: AbortSignal): AsyncGenerator<WalkStep, void, 'skip' | undefined> {
  const reader = new DirReader(source);
  const none = '' as Octets;
  let scopes = 0;
  let dir: OpenDir | undefined;
  const open = (path: Octets, dirent: DirDirent, parent: OpenDir | undefined): OpenDir => ({
    path,
    dirent,
    entries: reader.entries(dirent.block, { signal })[Symbol.asyncIterator](),
    parent,
    number: scopes++,
    last: undefined,
  });

  if (top.kind !== 'dir') {
    if (top.kind === 'indirect') throw new VtError('EFAILED', 'export: a hard link outside its Dir does not say what it names');
    yield { kind: 'node', path: none, name: top.name, dirent: top, link: undefined };
    return;
  }
  if ((yield { kind: 'enter', path: none, name: top.name, dirent: top }) !== 'skip') dir = open(none, top, undefined);
  else yield { kind: 'leave', path: none };

  while (dir !== undefined) {
    const at: OpenDir = dir;
    let dirent: Dirent | undefined;
    try {
      const next = await at.entries.next();
      dirent = next.done === true ? undefined : next.value;
    } catch (error) {
      if (!isDamage(error)) throw error;
      yield { kind: 'damage', path: at.path, error };
    }
    if (dirent === undefined) {
      yield { kind: 'leave', path: at.path };
      dir = at.parent;
      continue;
    }
    const { name } = dirent;
    const path = (at.path === '' ? name : `${at.path}/${name}`) as Octets;
    if (!isSafeName(name) || name === at.last) {
      const found = isSafeName(name) ? 'a name that comes twice in its Dir' : 'a name that no file can have';
      yield { kind: 'damage', path, error: new VtError('ECORRUPT', `decode Dir: ${found}`) };
      continue;
    }
    at.last = name;
    if (dirent.kind === 'dir') {
      if ((yield { kind: 'enter', path, name, dirent }) !== 'skip') dir = open(path, dirent, at);
      else yield { kind: 'leave', path };
    } else if (dirent.kind === 'indirect') {
      yield await resolveLink(reader, at, path, dirent, signal);
    } else {
      yield { kind: 'node', path, name, dirent, link: undefined };
    }
  }
}

/** The node in the nearest enclosing table that has its uuid. @see vt(5), "Hard links" */
async function resolveLink(reader: DirReader, dir: OpenDir, path: Octets, link: IndirectDirent, signal: AbortSignal | undefined): Promise<WalkStep> {
  try {
    for (let at: OpenDir | undefined = dir; at !== undefined; at = at.parent) {
      if (at.dirent.inodes === undefined) continue;
      const node = await reader.find(at.dirent.inodes, link.uuid as Octets, { signal });
      if (node === undefined) continue;
      if (node.kind === 'dir' || node.kind === 'indirect') break;
      return { kind: 'node', path, name: link.name, dirent: node, link: { key: `${at.number}/${link.uuid}`, nlink: node.nlink } };
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { kind: 'damage', path, error };
  }
  return { kind: 'damage', path, error: new VtError('ECORRUPT', `resolve hard link ${link.uuid}: in no inode table above`) };
}

/** Whether a name can only mean an entry of its own directory. */
export function isSafeName(name: Octets): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}

/** Whether an error is about stored data, so that the rest may go on. */
export function isDamage(error: unknown): error is VtError {
  if (error instanceof MissingBlockError || error instanceof CorruptBlockError) return true;
  return error instanceof VtError && (error.code === 'EPARSE' || error.code === 'ECORRUPT' || error.code === 'EMISSING' || error.code === 'EUNSUPPORTED');
}
