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

/** Opens an archive of a served Store by its name. Throws if the name is invalid. */
export type ArchiveByName = (name: string) => Archive | undefined;

/**
 * Answers `archiveNames`, in JSON.
 *
 * @param areServed - whether clients may use the Store's archives; if not, the list is empty
 * @throws {VtError} EUNSUPPORTED if the Store cannot list its archives
 */
export async function answerArchiveNames(store: Store, areServed: boolean, options: OpOptions): Promise<Reply> {
  const names = areServed ? await capability(store, 'archives')?.list?.(options) : [];
  if (names === undefined) throw new VtError('EUNSUPPORTED', `Store "${store.name}" does not list its archives`);
  return { isDone: true, json: { names } };
}

/** Answers `entryLast`: the line of the newest entry, and its number in JSON. */
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
 * The line of an entry, as in an archive file.
 *
 * @param withNotes - false for older clients, which treat a line with notes as damaged
 */
export function lineOf({ whenNs, dirent, notes }: ArchiveLine, withNotes: boolean): Buffer {
  return Buffer.from(formatArchiveLine({ whenNs, dirent, ...notesField(withNotes ? notes : undefined) }), 'latin1');
}

/** Whether the client understands lines with notes, as each of its requests says. */
function takesNotes({ notes }: Json): boolean {
  return notes === true;
}

/**
 * Answers `entries`: the lines from a given number on that fit in a response, and in JSON the number of the next. Forgotten entries
 * have numbers only if the client asks for them too.
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

/** The payload of `entryAppend`: the archive's name, the newest line that the client knows (or nothing), the new line. */
export function encodeAppend(name: string, last: string, line: string): Buffer {
  return Buffer.concat([encodeText(name), encodeText(last), Buffer.from(line, 'latin1')]);
}

/** Finds out why a root may not be recorded: resolves with a sentence, or undefined if it may. */
export type RootFault = (store: Store, root: Dirent, options: TurnOptions) => Promise<string | undefined>;

/** Rules for appending to an archive. */
export interface AppendModes {
  readonly isReadOnly: boolean;
  /** No entry may have a time before that of the newest. */
  readonly isAppendOnly: boolean;
  readonly rootFault?: RootFault | undefined;
  /** The archive's Store, which must hold the recorded root. */
  readonly store: Store;
  /** The current time in nanoseconds since 1970. */
  readonly nowNs: bigint;
}

/** How far a client's clock may be ahead, in nanoseconds: 5 minutes. */
const MAX_AHEAD_NS = 300_000_000_000n;

/**
 * Answers `entryAppend`: appends if the newest entry is still the one that the client knows; else says no and sends the newest.
 *
 * @throws {ReadOnlyError} if clients may not write, {ParseError} for a malformed line, {VtError} EPERM for an unusable entry
 */
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

/** The result of an append: the new entry, or the newest one if it is not the one that the writer knows. */
export interface Appended {
  readonly appended: ArchiveEntry | undefined;
  readonly newest: ArchiveEntry | undefined;
}

/**
 * Appends a usable entry, if the newest is still the one that its writer knows.
 *
 * @param entryAfter - makes the entry with its time
 * @throws {VtError} EPERM if the archive is append-only and the entry's time is before that of the newest
 */
export async function appendEntry(
  { name, archive }: { readonly name: string; readonly archive: Archive },
  { isAppendOnly, nowNs, store }: Pick<AppendModes, 'isAppendOnly' | 'nowNs' | 'store'>,
  isSeen: (last: ArchiveEntry | undefined) => boolean,
  entryAfter: (last: ArchiveEntry | undefined) => ArchiveLine,
  options: OpOptions,
): Promise<Appended> {
  // A root without Blocks may be the first thing that is ever written to this Store.
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

/** The earliest time allowed for an entry. If a clock was ahead once, later entries need not wait until then. */
function earliestAfter(lastNs: bigint, nowNs: bigint): bigint {
  const latest = nowNs - MAX_AHEAD_NS;
  return lastNs > nowNs + MAX_AHEAD_NS ? latest : lastNs;
}

/** @throws {VtError} if other clients cannot use the entry, or not yet */
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

/** Opens an archive. @throws {VtError} EUNSUPPORTED if the Store has no archives */
export function archiveOf(archives: ArchiveByName, name: string): Archive {
  const archive = archives(name);
  if (archive === undefined) throw new VtError('EUNSUPPORTED', `open archive "${name}": the Store has no archives`);
  return archive;
}
