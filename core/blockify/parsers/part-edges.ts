import { appendAll } from '../../base/lists.ts';
import { ASK_MARK, IF_ENDED, type ParserMark } from '../parser.ts';
import type { Steps } from './byte-cursor.ts';
import { LargeParts } from './large-parts.ts';
import type { Needle } from './needle-scan.ts';
import { NeedleScan } from './needle-scan.ts';

/** Boundaries of one sort, and how large the parts between them must be to have edges. */
export interface PartLevel {
  readonly needles: readonly Needle[];
  /** Bytes of a part, at least, that begins and ends with an edge: 1..3900, so that edges come no later than parsers may be. */
  readonly partSize: number;
}

/** Bytes by which `partEdges` may be late, beyond the size of parts: what is awaited around a needle. */
export const NEEDLE_DELAY = 128;

interface LevelState {
  readonly needles: readonly Needle[];
  readonly scan: NeedleScan;
  readonly parts: LargeParts;
  /** Boundaries that were found, and not reported yet. */
  readonly found: number[];
}

/**
 * A parser's coroutine for contents whose parts are found by needles: edges around the large parts of each level. Levels know nothing
 * of each other: sections in chapters, paragraphs in sections.
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
      // A boundary may be behind its needle, where there are needles still to come.
      let told = 0;
      for (; told < found.length && ((found[told] as number) < scan.told || slice === undefined); told++)
        parts.boundary(found[told] as number);
      found.splice(0, told);
      yield* parts.take(scan.told);
    }
    if (slice === undefined) return;
  }
}

/** Of each level in turn: what was reported, the last boundary, whether it is an edge, how many were found, and these. */
function markOf(levels: readonly LevelState[]): ParserMark {
  // All were given the same bytes, and need as many again.
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

/** A needle, the boundary at some byte of it, whatever is around it. */
export function needle(text: string, boundaryAt: number): Needle {
  return { octets: Buffer.from(text, 'latin1'), boundary: (_, at) => at + boundaryAt };
}
