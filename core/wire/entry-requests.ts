import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { formatArchiveLine, formatForgottenLine, parseArchiveLine } from '../archive/archive-line.ts';
import { notesField } from '../archive/archive-notes.ts';
import { ParseError, ReadOnlyError, throwIfCancelled, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { errorText } from '../base/system/system-error.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { rootFault } from '../history/root-fault.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';
import type { TurnOptions } from './fair-turns.ts';
import { MAX_DAMAGE_TOLD, RESPONSE_SIZE } from './limits.ts';
import type { Json } from './payload.ts';
import { decodeText, decodeTextAnd, encodeText } from './payload.ts';
import { told } from './read-response.ts';
import type { Reply } from './reply.ts';

/** Archives of a Store that is served, by name. Throws for what is no name. */
export type ArchiveByName = (name: string) => Archive | undefined;

/** The names of archives, in JSON. @param areServed - whether the Store's archives are for clients */
export async function answerArchiveNames(store: Store, areServed: boolean, options: OpOptions): Promise<Reply> {
  const names = areServed ? await capability(store, 'archives')?.list?.(options) : [];
  if (names === undefined) throw new VtError('EUNSUPPORTED', `Store "${store.name}" does not list its archives`);
  return { isDone: true, json: { names } };
}

/** The newest entry of an archive: its line, and its number in JSON. */
export async function answerEntryLast(archives: ArchiveByName, json: Json, payload: Uint8Array, options: OpOptions): Promise<Reply> {
  const damage: string[] = [];
  const last = await archiveOf(archives, decodeTextAnd(payload).text).last({
    ...options,
    onDamage: (reason) => void (damage.length < MAX_DAMAGE_TOLD && damage.push(told(reason))),
  });
  const more = damage.length === 0 ? {} : { damage };
  if (last === undefined) return { isDone: true, json: more };
  return { isDone: true, yes: true, json: { number: last.number, ...more }, payload: [lineOf(last, takesNotes(json))] };
}

/**
 * The line of an entry, in the form of archives.
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

/**
 * Entries of an archive from a number on: lines, as many as fit in a response, and in JSON the number of the next. Of a client that asks for
 * forgotten entries too, all are counted, those included.
 */
export async function answerEntries(archives: ArchiveByName, json: Json, payload: Uint8Array, options: TurnOptions): Promise<Reply> {
  const { from, forgotten } = json;
  const withForgotten = forgotten === true;
  const first = typeof from === 'number' && Number.isSafeInteger(from) ? from : 1;
  const damage: [number, string][] = [];
  const lines: Buffer[] = [];
  let size = 0;
  const archive = archiveOf(archives, decodeTextAnd(payload).text);
  const onDamage = (line: number, reason: string): void => void (damage.length < MAX_DAMAGE_TOLD && damage.push([line, told(reason)]));
  let place = 0;
  for await (const entry of archive.entries({ ...options, onDamage, withForgotten })) {
    await options.turn?.next();
    place++;
    if (place < first) continue;
    if (size >= RESPONSE_SIZE) return { isDone: true, json: { next: place, ...damaged(damage) }, payload: lines };
    const line = entry.isForgotten === true ? Buffer.from(formatForgottenLine(entry), 'latin1') : lineOf(entry, takesNotes(json));
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

/** Finds out why a root is not to be recorded: a sentence; undefined where nothing speaks against it. */
export type RootFault = (store: Store, root: Dirent, options: TurnOptions) => Promise<string | undefined>;

/** How an archive may be appended to. */
export interface AppendModes {
  readonly isReadOnly: boolean;
  /** No entry is dated before the newest. */
  readonly isAppendOnly: boolean;
  readonly rootFault?: RootFault | undefined;
  /** The Store with the archive: it has to hold what is recorded. */
  readonly store: Store;
  /** Nanoseconds since 1970, now. */
  readonly nowNs: bigint;
}

/** How far a client's clock may be ahead, in nanoseconds. */
const MAX_AHEAD_NS = 300_000_000_000n;

/** Appends an entry, if the newest is still the one that its writer has seen; else gives that, and says no. */
export async function answerEntryAppend(
  archives: ArchiveByName,
  modes: AppendModes,
  json: Json,
  payload: Uint8Array,
  options: TurnOptions,
): Promise<Reply> {
  const { text: name, rest } = decodeTextAnd(payload);
  const { text: seen, rest: line } = decodeTextAnd(rest);
  const archive = archiveOf(archives, name);
  if (modes.isReadOnly) throw new ReadOnlyError('append to archive', name);
  const entry = parseArchiveLine(decodeText(line));
  if (entry === undefined) throw new ParseError('append to archive: a line that says nothing', 0);
  await requireUsable(name, entry, modes, options);
  const textOf = (last: ArchiveEntry | undefined): Buffer | undefined => last && lineOf(last, takesNotes(json));
  const isSeen = (last: ArchiveEntry | undefined): boolean => (textOf(last)?.toString('latin1') ?? '') === seen;
  const { appended, newest } = await appendEntry({ name, archive }, modes, isSeen, () => entry, options);
  if (appended !== undefined) return { isDone: true, yes: true, json: { number: appended.number } };
  const text = textOf(newest);
  return { isDone: true, payload: text === undefined ? [] : [text] };
}

/** What came of an append: the entry, or the newest one where it is not the one that the writer had seen. */
export interface Appended {
  readonly appended: ArchiveEntry | undefined;
  readonly newest: ArchiveEntry | undefined;
}

/**
 * Appends an entry that is usable, if the newest still is the one that its writer has seen.
 *
 * @param entryAfter - the entry, with its date
 * @throws {VtError} EPERM where archives only grow in the order of time, and it would be dated back
 */
export async function appendEntry(
  { name, archive }: { readonly name: string; readonly archive: Archive },
  { isAppendOnly, nowNs, store }: Pick<AppendModes, 'isAppendOnly' | 'nowNs' | 'store'>,
  isSeen: (last: ArchiveEntry | undefined) => boolean,
  entryAfter: (last: ArchiveEntry | undefined) => ArchiveLine,
  options: OpOptions,
): Promise<Appended> {
  // A root that needs no Block may be the first of all that a Store gets.
  await capability(store, 'making')?.make();
  let newest: ArchiveEntry | undefined;
  const appended = await archive.append(async (last) => {
    newest = last;
    const entry = entryAfter(last);
    if (isAppendOnly && last !== undefined && entry.whenNs < earliestAfter(last.whenNs, nowNs))
      throw new VtError('EPERM', `append to archive "${name}": its newest entry has a later date`);
    return await Promise.resolve(isSeen(last) ? entry : undefined);
  }, options);
  return { appended, newest };
}

/** Where a clock was ahead once, later entries need not wait for that time to come. */
function earliestAfter(lastNs: bigint, nowNs: bigint): bigint {
  const latest = nowNs - MAX_AHEAD_NS;
  return lastNs > nowNs + MAX_AHEAD_NS ? latest : lastNs;
}

/** @throws {VtError} for an entry that others could do nothing with, or only later */
export async function requireUsable(
  name: string,
  { whenNs, dirent }: ArchiveLine,
  { store, nowNs, rootFault: givenFault }: AppendModes,
  options: TurnOptions,
): Promise<void> {
  if (whenNs > nowNs + MAX_AHEAD_NS) {
    throw new VtError(
      'EPERM',
      `append to archive "${name}": its date ${isoDate(whenNs)} is in the future; the server's clock says ${isoDate(nowNs)}`,
      {
        remedy: 'set the clock of this machine',
      },
    );
  }
  if (dirent.kind !== 'dir') throw new VtError('EPERM', `append to archive "${name}": the root is a ${dirent.kind}, not a Dir`);
  const fault = await (givenFault ?? entranceFault)(store, dirent, options);
  throwIfCancelled(options.signal);
  if (fault !== undefined)
    throw new VtError('EPERM', `append to archive "${name}": the Store does not hold the root: ${fault}`, { remedy: 'push it first' });
}

async function entranceFault(store: Store, root: Dirent, options: OpOptions): Promise<string | undefined> {
  const fault = await rootFault(store, root, options);
  return fault && errorText(fault);
}

function isoDate(whenNs: bigint): string {
  const milliseconds = Number(whenNs / 1_000_000n);
  return Math.abs(milliseconds) <= 8.64e15 ? new Date(milliseconds).toISOString().slice(0, 16) : `${whenNs} ns`;
}

/** @throws {VtError} EUNSUPPORTED where the Store has no archives */
export function archiveOf(archives: ArchiveByName, name: string): Archive {
  const archive = archives(name);
  if (archive === undefined) throw new VtError('EUNSUPPORTED', `open archive "${name}": the Store has no archives`);
  return archive;
}
