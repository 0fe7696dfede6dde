import { closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { openStoreFile, replaceStoreFile, type StoreAccess } from '../base/system/store-files.ts';
import { syncFolder } from '../base/system/sync-folder.ts';

/** The file of a datadir that records what scrub checked, and when. It may be removed at any time. @see vt(5), "Datadirs" */
export const SCRUB_FILE = 'scrubbed';

/** A part of a data file that was read and verified completely. Offsets are in bytes. */
export interface ScrubbedPart {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  /** Seconds since 1970. */
  readonly when: number;
}

/** Formats parts as lines `start end seconds file`. The last line is a CRC-32 of the others. */
export function formatScrubbed(parts: readonly ScrubbedPart[]): string {
  const text = parts.map(({ file, start, end, when }) => `${start} ${end} ${when} ${file}\n`).join('');
  return `${text}crc32 ${crc32(text).toString(16).padStart(8, '0')}\n`;
}

/** Parses the file; a damaged one gives nothing, so everything is checked again. */
export function parseScrubbed(text: string): ScrubbedPart[] {
  const [, body, check] = /^([\s\S]*?)crc32 ([0-9a-f]{8})\n$/.exec(text) ?? [];
  if (body === undefined || check === undefined || Number.parseInt(check, 16) !== crc32(body)) return [];
  return body
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      const [, start, end, when, file] = /^(\d{1,15}) (\d{1,15}) (\d{1,15}) (.+)$/.exec(line) ?? [];
      return file === undefined ? [] : [{ file, start: Number(start), end: Number(end), when: Number(when) }];
    });
}

/** Reads what scrub has checked in a datadir; nothing if the file cannot be read. */
export function readScrubbed(storeFolder: string): ScrubbedPart[] {
  let fd: number | undefined;
  try {
    fd = openStoreFile(join(storeFolder, SCRUB_FILE), 'read');
    return parseScrubbed(readFileSync(fd, 'utf8'));
  } catch {
    return [];
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Writes the file atomically. */
export function writeScrubbed(storeFolder: string, access: StoreAccess, parts: readonly ScrubbedPart[]): void {
  replaceStoreFile(join(storeFolder, SCRUB_FILE), Buffer.from(formatScrubbed(parts)), access);
  syncFolder(storeFolder);
}
