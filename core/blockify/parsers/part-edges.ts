import { appendAll } from '../../base/lists.ts';
import { ASK_MARK, IF_ENDED, type ParserMark } from '../parser.ts';
import type { Steps } from './byte-cursor.ts';
import { LargeParts } from './large-parts.ts';
import type { Needle } from './needle-scan.ts';
import { NeedleScan } from './needle-scan.ts';

/** Boundaries of one kind, and the minimum size of parts that get edges. */
export interface PartLevel {
  readonly needles: readonly Needle[];
  /** Minimum bytes of a part with edges, 1..3900. More would exceed the maximum delay of parsers. */
  readonly partSize: number;
}

/** Maximum delay of `partEdges` in bytes, in addition to the size of parts: the bytes needed around a needle. */
export const NEEDLE_DELAY = 128;

interface LevelState {
  readonly needles: readonly Needle[];
  readonly scan: NeedleScan;
  readonly parts: LargeParts;
  /** Boundaries that were found, but not yet passed to `parts`. */
  readonly found: number[];
}

/**
 * A parser's coroutine for contents whose parts are separated by needles. Edges are around the large parts of each level. The levels, such
 * as chapters and paragraphs, are independent of each other.
 */
export function* partEdges(levels: readonly PartLevel[], mark?: ParserMark): Steps<void> {
  const states: LevelState[] = levels.map(({ needles, partSize }) => ({
    needles,
    scan: new NeedleScan(),
    parts: new LargeParts(partSize),
    found: [],
  }));
  if (mark !== undefined) restoreLevels(states, mark);
  for (;;) {
    const slice = yield undefined;
    if (slice === ASK_MARK) {
      yield markOf(states);
      continue;
    }
    if (slice === IF_ENDED) {
      for (const { needles, scan, parts, found } of states) {
        const last = [...found];
        scan.ifEnded(needles, (offset) => last.push(offset));
        yield* parts.ifEnded(
          last.sort((a, b) => a - b),
          scan.end,
        );
      }
      continue;
    }
    for (const { needles, scan, parts, found } of states) {
      const visit = (offset: number): void => {
        found.push(offset);
      };
      if (slice === undefined) scan.finish(needles, visit);
      else scan.push(slice, needles, visit);
      if (needles.length > 1) found.sort((a, b) => a - b);
      // A boundary may follow its needle, and another needle may still be found before it.
      let told = 0;
      for (; told < found.length && ((found[told] as number) < scan.told || slice === undefined); told++)
        parts.boundary(found[told] as number);
      found.splice(0, told);
      yield* parts.take(scan.told);
    }
    if (slice === undefined) return;
  }
}

/** The state has for each level: `told`, the last boundary, whether it is an edge, the number of found boundaries, and these. */
function markOf(levels: readonly LevelState[]): ParserMark {
  // All levels got the same bytes, so they need the same bytes again.
  const from = levels[0]?.scan.mark.from ?? 0;
  return { from, state: levels.flatMap(({ scan, parts, found }) => [scan.mark.told, ...parts.state, found.length, ...found]) };
}

function restoreLevels(levels: readonly LevelState[], { from, state }: ParserMark): void {
  let at = 0;
  for (const { scan, parts, found } of levels) {
    const [told = 0, last = 0, isEdge = 1, count = 0] = state.slice(at, at + 4);
    scan.restore(from, told);
    parts.restore(last, isEdge);
    appendAll(found, state.slice(at + 4, at + 4 + count));
    at += 4 + count;
  }
}

/** Makes a needle whose boundary is always at an offset from its start. */
export function needle(text: string, boundaryAt: number): Needle {
  return { octets: Buffer.from(text, 'latin1'), boundary: (_, at) => at + boundaryAt };
}
