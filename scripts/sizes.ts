import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Maximum number of files in one folder: a reader cannot survey more. */
const MAX_FILES = 40;
/** Maximum lines of a source: a file has one idea. */
const MAX_LINES = 400;

/** Generated sources. */
const MADE: readonly string[] = ['shell/client/records.ts'];

/** Folders that are checked, with all below them. */
const ROOMS: readonly string[] = ['shell', 'commands', 'fuse', 'core', 'scripts', 'test', 'docs', 'man'];

/** Finds folders with too many files, and sources with too many lines. @param root - the project's folder */
export function checkSizes(root: string): string[] {
  return ROOMS.filter((room) => existsSync(join(root, room))).flatMap((room) => checkFolder(root, room));
}

function checkFolder(root: string, folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(folder, entry.name));
  const faults = files
    .filter((file) => file.endsWith('.ts') && !MADE.includes(file))
    .flatMap((file) => checkLines(file, readFileSync(join(root, file), 'utf8')));
  if (files.length > MAX_FILES) faults.unshift(`${folder}: ${files.length} files, ${MAX_FILES} are allowed: make folders by subject`);
  return [...faults, ...entries.filter((entry) => entry.isDirectory()).flatMap((entry) => checkFolder(root, join(folder, entry.name)))];
}

function checkLines(file: string, text: string): string[] {
  const lines = text.split('\n').length - 1;
  return lines > MAX_LINES ? [`${file}: ${lines} lines, ${MAX_LINES} are allowed: one file holds one idea`] : [];
}
