import { constants } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ReadOnlyError, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { replaceStoreFile, type StoreAccess } from '../base/system/store-files.ts';
import { syncFolder } from '../base/system/sync-folder.ts';
import type { ArchiveLines, MarkedEntry, SeenEntry } from './archive.ts';
import type { ArchiveLine } from './archive-line.ts';
import { formatArchiveLine } from './archive-line.ts';
import type { ArchiveNotes } from './archive-notes.ts';
import { openIfThere, openLocked, openPlain, readLine } from './archive-open.ts';
import { linesForward } from './archive-scan.ts';
import { checkDrop } from './check-drop.ts';

/** A readable line, and its position in the file, in bytes. */
interface LineAt {
  readonly line: ArchiveLine;
  readonly start: number;
  /** The offset of its LF, or the end of the file. */
  readonly end: number;
}

/** The operations that change lines in the file of an archive. */
export function archiveLines(path: string, file: { readonly readOnly: boolean; readonly access: StoreAccess | undefined }): ArchiveLines {
  const { readOnly, access } = file;
  const refuseReadOnly = (): void => {
    if (readOnly) throw new ReadOnlyError('change archive', path);
  };
  return {
    async drop(entries, options = {}) {
      refuseReadOnly();
      await dropEntries(path, entries, access, options);
    },
    async setNotes(entry, change, options = {}) {
      refuseReadOnly();
      await setNotes(path, entry, change, access, options);
    },
  };
}

async function withLines<T>(
  path: string,
  access: StoreAccess | undefined,
  options: OpOptions,
  use: (lines: readonly LineAt[]) => Promise<T>,
): Promise<T> {
  await using there = await openIfThere(path, access);
  if (there === undefined) throw new VtError('EOPEN', `there is no archive "${path}"`);
  await using file = await openLocked(path, access, options.signal);
  const lines: LineAt[] = [];
  for await (const text of linesForward(file, (await file.stat()).size, options.signal)) {
    const line = readLine(text);
    if (line !== undefined && !(line instanceof VtError)) lines.push({ line, start: text.start, end: text.end });
  }
  return await use(lines);
}

function lineOf(lines: readonly LineAt[], { number, whenNs }: SeenEntry, path: string): LineAt {
  const found = lines[number - 1];
  if (found?.line.whenNs === whenNs) return found;
  throw new VtError('EFAILED', `root ${number} of archive "${path}" was changed meanwhile; nothing was done`, {
    remedy: 'see log, then try again',
  });
}

async function dropEntries(
  path: string,
  entries: readonly MarkedEntry[],
  access: StoreAccess | undefined,
  options: OpOptions,
): Promise<void> {
  await withLines(path, access, options, async (lines) => {
    const places = entries.map((entry) => {
      const { line, start } = lineOf(lines, entry, path);
      checkDrop(entry, line, entry.number === lines.length);
      return start;
    });
    // The locked descriptor has O_APPEND: it can write only at the end.
    await using writer = await openPlain(path, constants.O_RDWR, access);
    for (const start of places) await writer.write(Buffer.from('#'), 0, 1, start);
    await writer.datasync();
  });
}

/** Changes the notes of a line. Its length changes, so the file is written anew and replaces the old one. */
async function setNotes(
  path: string,
  entry: SeenEntry,
  change: (notes: ArchiveNotes | undefined) => ArchiveNotes,
  access: StoreAccess | undefined,
  options: OpOptions,
): Promise<void> {
  await withLines(path, access, options, async (lines) => {
    const { line, start, end } = lineOf(lines, entry, path);
    const text = formatArchiveLine({ ...line, notes: change(line.notes) });
    await using file = await openPlain(path, constants.O_RDONLY, access);
    const whole = await file.readFile();
    const { mode } = await file.stat();
    const changed = Buffer.concat([whole.subarray(0, start), Buffer.from(text, 'latin1'), whole.subarray(end)]);
    // Outside of a Store, the path may be a symlink: its target is replaced, not the link.
    const real = access === undefined ? await realpath(path) : path;
    // The temporary name is fixed, because only the holder of the lock uses it. The next change overwrites the leftover of a killed
    // process.
    replaceStoreFile(real, changed, access ?? { fileMode: mode & 0o7777, folderMode: 0o700 }, `${real}.changed`);
    syncFolder(dirname(real));
  });
}
