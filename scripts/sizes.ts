import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files that are side by side in one folder, at most: more cannot be looked over. */
const MAX_FILES = 40;
/** Lines of a source, at most: a file holds one idea. */
const MAX_LINES = 400;

/** Sources that a script of ours writes. */
const MADE: readonly string[] = ['shell/client/records.ts'];

/** Folders of the project that are looked at, with all below them. */
const ROOMS: readonly string[] = ['shell', 'commands', 'fuse', 'core', 'scripts', 'test', 'docs', 'man'];

/** Which folders hold too many files, and which sources too many lines. @param root - the project's folder */
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
