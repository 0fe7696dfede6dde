import { crc32 } from 'node:zlib';
import { ParseError } from '../base/errors.ts';
import { TextReader } from '../base/text-reader.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { formatDirent, readDirent } from '../dirent/dirent-text.ts';
import { formatTime, readTime } from '../dirent/time-codec.ts';
import type { ArchiveNotes } from './archive-notes.ts';
import { formatNotes, notesField, readNotes } from './archive-notes.ts';

// Our lines: `2026-11-22T16:17:01.123456789Z 1795364221.123456789 D{…} N{…} !crc32:0123abcd`, where `N{…}` may be missing.
// Lines of the Python vt: `2026-11-22T16:17:01.123456+00:00 1795364221.123456 D{…} # name`. @see vt(5), "Archives"

/** The contents of a line. */
export interface ArchiveLine {
  /** Nanoseconds since 1970. */
  readonly whenNs: bigint;
  readonly dirent: Dirent;
  /** Further notes; undefined if there are none. */
  readonly notes?: ArchiveNotes;
}

const NO_NOTES: ArchiveNotes = new Map();
const CHECK = /^(.*) !crc32:([\da-f]{8})$/s;
const CHECK_SIZE = ' !crc32:01234567'.length;
const FORGOTTEN = /^#\d{3}-\d\d-\d\dT.* !crc32:[\da-f]{8}$/s;
/** Possible first digits of a year, the likely ones first. */
const MILLENNIA = ['2', '1', '3', '0', '4', '5', '6', '7', '8', '9'];
const OUR_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z/y;
const PYTHON_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[+-]\d\d:\d\d(?::\d\d)?)?/y;

/**
 * Formats the line of an entry, without its LF, in printable ASCII.
 *
 * @param line - its time must be in the years 1 to 9999
 */
export function formatArchiveLine({ whenNs, dirent, notes = NO_NOTES }: ArchiveLine): string {
  const places = (((whenNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).toString().padStart(9, '0');
  const seconds = Number((whenNs - BigInt(places)) / 1_000_000_000n);
  const iso = `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${places}Z`;
  const text = `${iso} ${formatTime(whenNs)} ${formatDirent(dirent)}${notes.size === 0 ? '' : ` ${formatNotes(notes)}`}`;
  return `${text} !crc32:${checkOf(text)}`;
}

function checkOf(text: string): string {
  return crc32(Buffer.from(text, 'latin1')).toString(16).padStart(8, '0');
}

/**
 * Parses a line without its LF: one of ours, whose checksum must match, or one of the Python vt.
 *
 * @param text - one char a byte
 * @returns undefined for an empty line or a comment
 * @throws {ParseError} for a damaged line
 */
export function parseArchiveLine(text: string): ArchiveLine | undefined {
  if (text === '' || text.startsWith('#')) return undefined;
  const reader = new TextReader(text);
  const isOurs = reader.match(OUR_TIME) !== undefined;
  const [, checked = '', check] = CHECK.exec(text) ?? [];
  if (isOurs || check !== undefined) {
    if (check === undefined) throw new ParseError('read archive line: its checksum is missing', text.length);
    if (checkOf(checked) !== check) throw new ParseError('read archive line: its checksum does not match', checked.length);
    const inner = new TextReader(checked, reader.offset);
    if (!isOurs) throw inner.error('expected a time');
    const line = readEntry(inner);
    const notes = inner.accept(' ') ? readNotes(inner) : undefined;
    inner.end();
    return { ...line, ...notesField(notes) };
  }
  reader.require(PYTHON_TIME, 'a time');
  const line = readEntry(reader);
  if (!reader.ended) reader.expect(' # ');
  return line;
}

/** Formats a forgotten entry: a comment that still shows the order of states. It differs from the entry's line in the first byte only. */
export function formatForgottenLine(line: ArchiveLine): string {
  return `#${formatArchiveLine(line).slice(1)}`;
}

/** Parses the comment of a forgotten entry into the line that it replaced; undefined for any other line. */
export function parseForgottenLine(text: string): ArchiveLine | undefined {
  if (!FORGOTTEN.test(text)) return undefined;
  const rest = text.slice(1);
  // The checksum matches for the right first digit only.
  const digit = MILLENNIA.find((first) => checkOf(`${first}${rest.slice(0, -CHECK_SIZE)}`) === rest.slice(-8));
  if (digit === undefined) return undefined;
  try {
    return parseArchiveLine(`${digit}${rest}`);
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

function readEntry(reader: TextReader): ArchiveLine {
  reader.expect(' ');
  const whenNs = readTime(reader);
  reader.expect(' ');
  return { whenNs, dirent: readDirent(reader) };
}
