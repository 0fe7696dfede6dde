import type { Bookmark } from '../../commands/session.ts';
import { VtError } from '../../core/base/errors.ts';
import { type Octets, octetsFromBytes, octetsToBytes, octetsToText } from '../../core/base/octets.ts';
import { readStateFile } from '../../core/base/system/read-state-file.ts';
import { makeStoreFolder, PRIVATE_ACCESS, replaceStoreFile } from '../../core/base/system/store-files.ts';
import { requireTrusted } from '../../core/base/system/trusted-file.ts';
import { skipReference } from '../../core/dirent/reference-skip.ts';
import { ROOT_PATH, type TreePath } from '../../core/tree/path.ts';
import { parseLine } from '../line/line.ts';
import { quoteWord } from '../line/quote.ts';
import type { Places } from '../places.ts';
import type { OpenedSource } from './opened-source.ts';

// The file of bookmarks has a line for each: NAME SOURCE PATH, quoted as in a line of the shell.

/** The bookmarks of a user, by name; none if there is no file. Lines that are not bookmarks are ignored. */
export function readBookmarks({ config }: Pick<Places, 'config'>): Bookmark[] {
  const file = config === undefined ? undefined : bookmarkFile(config);
  const found = new Map<string, Bookmark>();
  for (const line of (file === undefined ? '' : textOf(file)).split('\n')) {
    const mark = parseBookmark(line as Octets);
    if (mark !== undefined) found.set(mark.name, mark);
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Writes the bookmarks of a user, readable only by the owner. @throws {VtError} EFAILED without a home folder */
export function writeBookmarks({ config }: Pick<Places, 'config'>, bookmarks: readonly Bookmark[]): void {
  if (config === undefined) throw new VtError('EFAILED', 'bookmark: there is no home directory to keep it in');
  const file = bookmarkFile(config);
  const lines = bookmarks.map(({ name, source, path }) => `${name} ${quoteWord(source)} ${quoteWord(path)}\n`);
  makeStoreFolder(config, PRIVATE_ACCESS);
  replaceStoreFile(file, octetsToBytes(lines.join('') as Octets), PRIVATE_ACCESS);
}

function bookmarkFile(config: string): string {
  return `${config}/bookmarks`;
}

function textOf(file: string): Octets {
  try {
    // The file must be trusted, since a source may run a command.
    requireTrusted(file, 'bookmarks');
    return octetsFromBytes(readStateFile(file));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '' as Octets;
    throw error;
  }
}

function parseBookmark(line: Octets): Bookmark | undefined {
  try {
    const [command] = parseLine(line, skipReference);
    const [name, source, path] = command?.words ?? [];
    if (name === undefined || source === undefined) return undefined;
    return { name: octetsToText(name.text), source: source.text, path: (path?.text ?? ROOT_PATH) as TreePath };
  } catch {
    return undefined;
  }
}

/** The bookmark with the name given as a source; undefined if there is none. */
export function bookmarkNamed(source: Octets, places: Pick<Places, 'config'>): Bookmark | undefined {
  return readBookmarks(places).find(({ name }) => name === octetsToText(source));
}

/** Opens the source of a bookmark at its path; if the path no longer exists, at the start. */
export async function openBookmark(
  { name, path }: Bookmark,
  open: () => Promise<OpenedSource>,
  { onNotice }: { readonly onNotice: (notice: string) => void },
): Promise<OpenedSource> {
  const opened = await open();
  const entry = await opened.tree.lookup(path);
  if (entry?.dirent.kind === 'dir') return { ...opened, start: path };
  onNotice(`bookmark "${name}": ${octetsToText(path)} is no longer a Dir`);
  return opened;
}
