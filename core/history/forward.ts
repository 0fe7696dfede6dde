import type { ArchiveLine } from '../archive/archive-line.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { ROOT_PATH } from '../tree/path.ts';
import { stateId } from './ancestry.ts';
import { stateElsewhere } from './merge-sides.ts';
import { StateGraph } from './state-graph.ts';

/** How the newest states of two archives are to each other. */
export type Forward =
  /** They are one state, or equal ones. */
  | { readonly relation: 'same' }
  /** The other comes after all states of this one: there is nothing to give. */
  | { readonly relation: 'older' }
  /** This one comes after all states of the other, which can continue with its line. */
  | { readonly relation: 'newer'; readonly line: ArchiveLine }
  /** Each has states that the other lacks. */
  | { readonly relation: 'parted' };

/**
 * Says whether the newest state of one archive may be recorded as the newest of another: no state of that may be dropped. Of archives
 * without a common state, what the newest root of the other is has to have been a root of this one.
 *
 * @param from - lines, oldest first; at least one
 * @param to - the same, perhaps none
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
