import type { ArchiveLine } from '../archive/archive-line.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { ROOT_PATH } from '../tree/path.ts';
import { stateId } from './ancestry.ts';
import { stateElsewhere } from './merge-sides.ts';
import { StateGraph } from './state-graph.ts';

/** How the newest states of two archives relate. */
export type Forward =
  /** They are the same state, or equal ones. */
  | { readonly relation: 'same' }
  /** The other comes after all states of this one: there is nothing to send. */
  | { readonly relation: 'older' }
  /** This one comes after all states of the other, which may append its line. */
  | { readonly relation: 'newer'; readonly line: ArchiveLine }
  /** Each has states that the other lacks. */
  | { readonly relation: 'parted' };

/**
 * Decides whether the newest state of one archive may become the newest of another without hiding any of its states. If the archives share
 * no state, the other's newest root must have been a root of this one.
 *
 * @param from - lines, oldest first; at least one
 * @param to - lines, oldest first; may be empty
 * @throws {RangeError} if `from` is empty
 */
export function forwardOf(from: readonly ArchiveLine[], to: readonly ArchiveLine[]): Forward {
  const graph = new StateGraph();
  const [one, other] = [graph.add(from, ROOT_PATH), graph.add(to, ROOT_PATH)];
  const [last, newest] = [from.at(-1), to.at(-1)];
  if (one === undefined || last === undefined) throw new RangeError('forward: an archive without lines');
  const theirsUpTo = graph.upTo(one);
  if (other === undefined || newest === undefined)
    return { relation: 'newer', line: stateElsewhere(last, { theirsUpTo, oursUpTo: new Set() }) };
  const oursUpTo = graph.upTo(other);
  if (one === other) return { relation: 'same' };
  if (oursUpTo.has(one)) return { relation: 'older' };
  if (theirsUpTo.has(other)) return { relation: 'newer', line: stateElsewhere(last, { theirsUpTo, oursUpTo }) };
  const text = formatDirent(newest.dirent);
  if (formatDirent(last.dirent) === text) return { relation: 'same' };
  const isRelated = to.some((line) => theirsUpTo.has(stateId(line)));
  if (!isRelated && from.some(({ dirent }) => formatDirent(dirent) === text))
    return { relation: 'newer', line: stateElsewhere(last, { theirsUpTo, oursUpTo: new Set() }) };
  return { relation: 'parted' };
}
