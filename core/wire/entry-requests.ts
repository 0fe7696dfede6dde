import type { Archive } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { formatArchiveLine, parseArchiveLine } from '../archive/archive-line.ts';
import { notesField } from '../archive/archive-notes.ts';
import { ParseError, ReadOnlyError, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Reply } from './connection.ts';
import { RESPONSE_SIZE } from './limits.ts';
import type { Json } from './payload.ts';
import { decodeText, decodeTextAnd, encodeText } from './payload.ts';

/** Archives of a Store that is served, by name. Throws for what is no name. */
export type ArchiveByName = (name: string) => Archive | undefined;

/** The newest entry of an archive: its line, and its number in JSON. */
export async function answerEntryLast(archives: ArchiveByName, json: Json, payload: Uint8Array, options: OpOptions): Promise<Reply> {
  const damage: string[] = [];
  const last = await archiveOf(archives, decodeTextAnd(payload).text).last({ ...options, onDamage: (reason) => damage.push(reason) });
  const more = damage.length === 0 ? {} : { damage };
  if (last === undefined) return { isDone: true, json: more };
  return { isDone: true, yes: true, json: { number: last.number, ...more }, payload: [lineOf(last, takesNotes(json))] };
}

/**
 * The line of an entry, as it stands in archives.
 *
 * @param withNotes - false for those who would take a line with notes for a damaged one
 */
export function lineOf({ whenNs, dirent, notes }: ArchiveLine, withNotes: boolean): Buffer {
  return Buffer.from(formatArchiveLine({ whenNs, dirent, ...notesField(withNotes ? notes : undefined) }), 'latin1');
}

/** Whether a client reads notes on lines: it says so with each request. */
function takesNotes({ notes }: Json): boolean {
  return notes === true;
}

/** Entries of an archive from a number on: lines, as many as fit in a response, and in JSON the number of the next. */
export async function answerEntries(archives: ArchiveByName, json: Json, payload: Uint8Array, options: OpOptions): Promise<Reply> {
  const { from } = json;
  const first = typeof from === 'number' && Number.isSafeInteger(from) ? from : 1;
  const damage: [number, string][] = [];
  const lines: Buffer[] = [];
  let size = 0;
  const archive = archiveOf(archives, decodeTextAnd(payload).text);
  for await (const entry of archive.entries({ ...options, onDamage: (line, reason) => damage.push([line, reason]) })) {
    if (entry.number < first) continue;
    if (size >= RESPONSE_SIZE) return { isDone: true, json: { next: entry.number, ...damaged(damage) }, payload: lines };
    const line = lineOf(entry, takesNotes(json));
    lines.push(line, Buffer.from('\n'));
    size += line.length;
  }
  return { isDone: true, json: damaged(damage), payload: lines };
}

function damaged(damage: readonly (readonly [number, string])[]): Readonly<Record<string, unknown>> {
  return damage.length === 0 ? {} : { damage };
}

/** The payload of `entryAppend`: the archive's name, the line of the entry that was seen as the newest (or nothing), the new line. */
export function encodeAppend(name: string, last: string, line: string): Buffer {
  return Buffer.concat([encodeText(name), encodeText(last), Buffer.from(line, 'latin1')]);
}

/** How an archive may be appended to. */
export interface AppendModes {
  readonly isReadOnly: boolean;
  /** No entry is dated before the newest. */
  readonly isAppendOnly: boolean;
}

/** Appends an entry, if the newest is still the one that its writer has seen; else gives that, and says no. */
export async function answerEntryAppend(
  archives: ArchiveByName,
  modes: AppendModes,
  json: Json,
  payload: Uint8Array,
  options: OpOptions,
): Promise<Reply> {
  const { text: name, rest } = decodeTextAnd(payload);
  const { text: seen, rest: line } = decodeTextAnd(rest);
  const archive = archiveOf(archives, name);
  if (modes.isReadOnly) throw new ReadOnlyError('append to archive', name);
  const entry = parseArchiveLine(decodeText(line));
  if (entry === undefined) throw new ParseError('append to archive: a line that says nothing', 0);
  let newest: Buffer | undefined;
  let isStale = false;
  const appended = await archive.append(async (last) => {
    newest = last === undefined ? undefined : lineOf(last, takesNotes(json));
    if (modes.isAppendOnly && last !== undefined && entry.whenNs < last.whenNs)
      throw new VtError('EPERM', `append to archive "${name}": its newest entry is later, and this one would be dated back`);
    isStale = (newest?.toString('latin1') ?? '') !== seen;
    return await Promise.resolve(isStale ? undefined : entry);
  }, options);
  if (isStale) return { isDone: true, payload: newest === undefined ? [] : [newest] };
  return { isDone: true, yes: true, json: { number: appended?.number } };
}

function archiveOf(archives: ArchiveByName, name: string): Archive {
  const archive = archives(name);
  if (archive === undefined) throw new VtError('EUNSUPPORTED', `open archive "${name}": the Store has no archives`);
  return archive;
}
