import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { isForgotten, linesOf } from '../archive/lines-up-to.ts';
import { marksOf, withMarks } from '../archive/mark-notes.ts';
import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { stateId } from '../history/ancestry.ts';
import type { Store } from '../store/store.ts';
import { LineNames } from './line-names.ts';
import type { Transcriber } from './transcriber.ts';

/** The result of transcribing an archive. */
export interface TranscribedArchive {
  readonly states: number;
  /** Number of states that were newly recorded. */
  readonly recorded: number;
}

/** Options of {@link transcribeArchive}. */
export interface TranscribeArchiveOptions extends OpOptions {
  /** Called before each state; the number counts from 1. */
  readonly onState?: (number: number, states: number) => void;
}

/** Finished states are recorded after this many milliseconds. A killed process loses no more work. */
const RECORD_MS = 5000;

/**
 * Records all states of an archive in an archive of another Store, oldest first, with their times, notes, tags and protection. Existing
 * states stay unchanged, even if they were forgotten in the source since.
 *
 * @param to - may only contain the first of these states
 * @throws {VtError} EFAILED if it has others; EMISSING or ECORRUPT if Blocks of a state are unavailable: those before it are recorded
 */
export async function transcribeArchive(
  source: Store,
  from: Archive,
  to: Archive,
  transcriber: Transcriber,
  options: TranscribeArchiveOptions = {},
): Promise<TranscribedArchive> {
  const lines = await linesOf(from, options);
  const states = lines.filter((entry) => !isForgotten(entry)).length;
  const recorded = await linesOf(to, options);
  const there = new Map(recorded.filter((line) => !isForgotten(line)).map((line) => [stateId(line), line]));
  const forgotten = new Set(recorded.filter(isForgotten).map(stateId));
  const names = new LineNames(source, transcriber, options);
  let last: ArchiveLine | undefined = [...there.values()].at(-1);
  let lacking = there.size;
  let count = 0;
  let number = 0;
  let waiting: ArchiveLine[] = [];
  let savedMs = performance.now();
  const record = async (): Promise<void> => {
    await transcriber.save();
    for (const line of waiting.splice(0)) {
      const before = last;
      const appended = await to.append(async (newest) => await Promise.resolve(isSame(newest, before) ? line : undefined), options);
      if (appended === undefined)
        throw new VtError('EFAILED', `archive "${to.name}": another session recorded a state there meanwhile`, {
          remedy: 'run the command again',
        });
      last = line;
      count++;
    }
    savedMs = performance.now();
  };
  try {
    for (const entry of lines) {
      if (isForgotten(entry)) {
        // It was copied before it was forgotten here, and stays there.
        if (there.has(stateId(names.known(entry)))) lacking--;
        continue;
      }
      options.onState?.(++number, states);
      const line = await names.line(entry, number);
      const known = there.get(stateId(line));
      if (known !== undefined) {
        lacking--;
        // States before an existing one were forgotten there.
        waiting = [];
        await copyMarks(to, line, known, options);
      } else if (!forgotten.has(stateId(line))) waiting.push(line);
      if (lacking === 0 && performance.now() - savedMs > RECORD_MS) await record();
    }
  } catch (error) {
    if (lacking === 0 && error instanceof VtError && (error.code === 'EMISSING' || error.code === 'ECORRUPT')) await record();
    throw error;
  }
  if (lacking > 0)
    throw new VtError('EFAILED', `archive "${to.name}": it has other states, and nothing was recorded there`, {
      remedy: 'name another Store; or pull --transition and merge there',
    });
  await record();
  return { states, recorded: count };
}

function isSame(one: ArchiveLine | undefined, other: ArchiveLine | undefined): boolean {
  return one === undefined || other === undefined ? one === other : stateId(one) === stateId(other);
}

/** Copies tags and protection that were set since. Those of the other Store stay. */
async function copyMarks(to: Archive, line: ArchiveLine, there: ArchiveEntry, options: OpOptions): Promise<void> {
  const { tags, isProtected } = marksOf(line);
  const has = marksOf(there);
  if (to.lines === undefined || ((has.isProtected || !isProtected) && tags.every((tag) => has.tags.includes(tag)))) return;
  const marks = { tags: [...new Set([...has.tags, ...tags])], isProtected: has.isProtected || isProtected };
  await to.lines.setNotes(there, (notes) => withMarks(notes, marks), options);
}
