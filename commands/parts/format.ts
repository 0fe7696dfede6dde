import { groupedDigits } from '../../core/base/grouped-digits.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToBytes, octetsToText, octetsToTextStrict } from '../../core/base/octets.ts';
import { sizeText } from '../../core/block/size-text.ts';
import type { Dirent } from '../../core/dirent/dirent.ts';
import { defaultMode } from '../../core/dirent/meta.ts';
import type { StoreProgress } from '../../core/store/capabilities.ts';
import type { TreeEntry } from '../../core/tree/tree.ts';
import type { Output } from '../command.ts';

export { sizeText };

// Nodes as text for `ls -l`, `stat`, `inspect`, `find`, and as JSON records.

const KIND_LETTERS: Readonly<Record<Dirent['kind'], string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  indirect: '-',
  fifo: 'p',
  socket: 's',
  char: 'c',
  block: 'b',
};

/** The letter of a kind as in `ls -l`: `-`, `d`, `l`, `p`, `s`, `c` or `b`. */
export function kindLetter(kind: Dirent['kind']): string {
  return KIND_LETTERS[kind];
}

/** Permissions of a Dirent, or the default of its kind: 0 to 0o7777. */
export function modeOf(dirent: Dirent): number {
  return dirent.meta.mode ?? defaultMode(dirent.kind);
}

/** `drwxr-sr-t`, as in `ls -l`. */
export function modeText(dirent: Dirent): string {
  const mode = modeOf(dirent);
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = (mode >> shift) & 7;
    const runs = (bits & 1) !== 0;
    const last = (mode & special) !== 0 ? (runs ? letter : letter.toUpperCase()) : runs ? 'x' : '-';
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`;
  };
  return kindLetter(dirent.kind) + triple(6, 0o4000, 's') + triple(3, 0o2000, 's') + triple(0, 0o1000, 't');
}

/** Permissions as four octal digits: `0644`. */
export function octalMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** A count with its noun: `1 file`, `3 files`. */
export function countText(count: number, singular: string, plural = `${singular}s`): string {
  return `${groupedDigits(count)} ${count === 1 ? singular : plural}`;
}

/** The traffic of a Store in one short line: `ADDED:BLOCKS GOT UNDERWAY`, as in `12M:310 4.1M 2`. */
export function storeProgressText({ addBytes, addCount, getBytes, outstanding }: StoreProgress): string {
  return `${sizeText(addBytes)}:${addCount} ${sizeText(getBytes)} ${outstanding}`;
}

/** A time for programs: ISO 8601 in UTC with nine decimals, also before 1970 and after 9999: `2026-11-22T16:17:01.123456789Z`. */
export function timeText(ns: bigint): string {
  const seconds = ns >= 0n ? ns / 1_000_000_000n : -((-ns + 999_999_999n) / 1_000_000_000n);
  const fraction = ns - seconds * 1_000_000_000n;
  const date = new Date(Number(seconds) * 1000);
  // A Date ends in the year 275,760; the 64 bits of a filesystem reach further.
  if (Number.isNaN(date.getTime())) return `@${seconds}.${String(fraction).padStart(9, '0')}`;
  return `${date.toISOString().slice(0, -5)}.${String(fraction).padStart(9, '0')}Z`;
}

/** The owner of a Dirent as text: name, else number, else `-`. */
export function ownerText(dirent: Dirent): string {
  return dirent.meta.user !== undefined ? octetsToText(dirent.meta.user) : String(dirent.meta.uid ?? '-');
}

/** The group of a Dirent as text: name, else number, else `-`. */
export function groupText(dirent: Dirent): string {
  return dirent.meta.group !== undefined ? octetsToText(dirent.meta.group) : String(dirent.meta.gid ?? '-');
}

/**
 * JSON fields of bytes that should be text: `{ name }`. Bytes that are not UTF-8 give `{ name, name_b64 }`, in which the text has U+FFFD
 * for invalid bytes.
 */
export function octetsFields(field: string, octets: Octets): Record<string, string> {
  const text = octetsToTextStrict(octets);
  if (text !== undefined) return { [field]: text };
  return { [field]: octetsToText(octets), [`${field}_b64`]: octetsToBytes(octets).toString('base64') };
}

/** The JSON record of an entry: what `ls`, `find` and `stat` print under `--json`. Sizes in bytes, times ISO-8601. */
export function entryRecord(entry: TreeEntry): Record<string, unknown> {
  const { dirent } = entry;
  const { meta } = dirent;
  return {
    ...octetsFields('path', entry.path),
    ...octetsFields('name', entry.name),
    type: dirent.kind,
    size: entry.size,
    mode: octalMode(modeOf(dirent)),
    nlink: entry.nlink,
    ...(meta.uid === undefined ? {} : { uid: meta.uid }),
    ...(meta.gid === undefined ? {} : { gid: meta.gid }),
    ...(meta.user === undefined ? {} : octetsFields('user', meta.user)),
    ...(meta.group === undefined ? {} : octetsFields('group', meta.group)),
    ...(meta.mtimeNs === undefined ? {} : { mtime: timeText(meta.mtimeNs) }),
    ...(dirent.kind === 'symlink' ? octetsFields('target', dirent.target) : {}),
    ...(meta.rdev === undefined ? {} : { rdev: `${meta.rdev.major}:${meta.rdev.minor}` }),
  };
}

/** A name in the style of its kind: with colours, Dirs, symlinks, executables and special files stand out. */
export function entryStyle(output: Output, entry: TreeEntry, name: string): string {
  switch (entry.dirent.kind) {
    case 'dir':
    case 'symlink':
      return output.style(entry.dirent.kind, name);
    case 'file':
      return (modeOf(entry.dirent) & 0o111) === 0 ? name : output.style('exec', name);
    default:
      return output.style('special', name);
  }
}
