import type { ArchiveEntry } from '../../../core/archive/archive.ts';
import { findEntry } from '../../../core/archive/find-entry.ts';
import { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import type { TreeContext } from '../../command.ts';
import { statePair } from '../diff/state-pair.ts';
import { pathArgument } from '../entry.ts';

/** The states that `log` lists: those after one number, up to another. */
export interface LogRange {
  /** The path whose versions to list; undefined for the roots. */
  readonly path: TreePath | undefined;
  readonly newest: number;
  readonly after: number;
}

const ALL = { newest: Number.POSITIVE_INFINITY, after: 0 };

/**
 * Parses an argument of `log`: a path, `@STATE`, `@STATE..@STATE`, or a path followed by one of these. If the tree has an entry of exactly
 * that name, it is a path.
 *
 * @throws {VtError} EOPEN for a state that does not exist
 */
export async function logRange(context: TreeContext, word: Octets): Promise<LogRange> {
  const { session, signal } = context;
  const whole = { ...ALL, path: pathArgument(session, word) };
  if (!word.includes('@') || (await session.tree.lookup(whole.path, { follow: false, signal })) !== undefined) return whole;
  const path = (name: Octets): TreePath | undefined => (name === '' ? undefined : pathArgument(session, name));
  const pair = statePair(word);
  if (pair !== undefined) {
    const { name, first, last } = pair;
    const [from, to] = [await stateOf(context, first), last === '' ? undefined : await stateOf(context, last)];
    if (from === undefined || (to === undefined && last !== '')) return whole;
    return { path: path(name), after: from.number, newest: to?.number ?? ALL.newest };
  }
  const at = word.lastIndexOf('@');
  const state = await stateOf(context, word.slice(at + 1));
  return state === undefined ? whole : { path: path(word.slice(0, at) as Octets), after: 0, newest: state.number };
}

/** The state after an `@`; undefined if the text cannot name one, since names may contain `@`. */
async function stateOf({ session, now, signal }: TreeContext, spec: string): Promise<ArchiveEntry | undefined> {
  if (session.archive === undefined) return undefined;
  try {
    return await findEntry(session.archive, octetsToText(spec as Octets), now(), { signal });
  } catch (error) {
    if (error instanceof VtError && error.code === 'EUSAGE') return undefined;
    throw error;
  }
}

/** The entries of a range, and the entry before it, with which the oldest is compared. */
export async function* entriesIn(
  entries: AsyncIterable<ArchiveEntry>,
  { newest, after }: Pick<LogRange, 'newest' | 'after'>,
): AsyncGenerator<ArchiveEntry> {
  for await (const entry of entries) {
    if (entry.number > newest) continue;
    yield entry;
    if (entry.number <= after) return;
  }
}
