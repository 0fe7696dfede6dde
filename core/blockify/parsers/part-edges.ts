import { IF_ENDED } from '../parser.ts';
import type { Steps } from './byte-cursor.ts';
import { LargeParts } from './large-parts.ts';
import type { Needle } from './needle-scan.ts';
import { NeedleScan } from './needle-scan.ts';

/** Boundaries of one sort, and how large the parts between them must be to have edges. */
export interface PartLevel {
  readonly needles: readonly Needle[];
  /** Octets of a part, at least, that begins and ends with an edge: 1..3900, so that edges come no later than parsers may be. */
  readonly partSize: number;
}

/** Octets by which `partEdges` may be late, beyond the size of parts: what is awaited around a needle. */
export const NEEDLE_DELAY = 128;

/**
 * A parser's coroutine for contents whose parts are told by needles: edges around the large parts of each level. Levels know nothing
 * of each other: sections in chapters, paragraphs in sections.
 */
export function* partEdges(levels: readonly PartLevel[]): Steps<void> {
  const states = levels.map(({ needles, partSize }) => ({
    needles,
    scan: new NeedleScan(),
    parts: new LargeParts(partSize),
    found: [] as number[],
  }));
  for (;;) {
    const slice = yield undefined;
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
      // A boundary may lie behind its needle, where there are needles still to come.
      let told = 0;
      for (; told < found.length && ((found[told] as number) < scan.told || slice === undefined); told++)
        parts.boundary(found[told] as number);
      found.splice(0, told);
      yield* parts.take(scan.told);
    }
    if (slice === undefined) return;
  }
}

/** A needle, the boundary at some octet of it, whatever stands around it. */
export function needle(text: string, boundaryAt: number): Needle {
  return { octets: Buffer.from(text, 'latin1'), boundary: (_, at) => at + boundaryAt };
}
