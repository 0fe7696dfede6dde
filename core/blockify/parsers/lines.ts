import type { Parser } from '../parser.ts';
import { ASK_MARK } from '../parser.ts';

const LF = 0x0a;

/** Minimum bytes of a large line. */
const LINE_SIZE = 2048;

/**
 * Lines that are records: CSV, NDJSON, logs. Edges are around large lines, such as JSON documents, so that a record is found again if it is
 * moved. Small lines are left to the kernel: inserting one changes one Block.
 *
 * Lines shorter than LINE_SIZE are skipped in large steps. A line is large if there is no line feed in LINE_SIZE bytes.
 */
export const linesParser: Parser = {
  name: 'lines',
  isTextual: true,
  extensions: ['.csv', '.tsv', '.psv', '.ndjson', '.jsonl', '.ldjson', '.log', '.geojsonl', '.geojsonseq'],
  mimeTypes: ['text/csv', 'text/tab-separated-values', 'application/x-ndjson', 'application/jsonl', 'application/json-seq'],
  foundType: 'text/plain',
  delay: LINE_SIZE,
  minSize: 32,
  begins: isRecords,
  *edges(mark) {
    let base = mark?.from ?? 0;
    // The start of the last known line, and whether it is an edge.
    let start = mark?.state[0] ?? 0;
    let isEdge = mark?.state[1] !== 0;
    for (let slice = yield undefined; slice !== undefined; slice = yield undefined) {
      if (slice === ASK_MARK) {
        yield { from: base, state: [start, Number(isEdge)] };
        continue;
      }
      const octets = Buffer.from(slice.buffer, slice.byteOffset, slice.length);
      const end = base + octets.length;
      for (;;) {
        const reach = start + LINE_SIZE - 1;
        // A line feed at reach - 1 or before ends a line of less than LINE_SIZE.
        const last = reach > base ? octets.lastIndexOf(LF, Math.min(reach, end) - 1 - base) : -1;
        if (last >= 0 && base + last >= start) {
          start = base + last + 1;
          isEdge = false;
          continue;
        }
        if (end < reach) break;
        if (!isEdge) yield start;
        isEdge = true;
        const next = octets.indexOf(LF, Math.max(0, reach - base));
        if (next < 0) break;
        start = base + next + 1;
        yield start;
      }
      base = end;
    }
  },
};

/** Whether the first lines are JSON documents. */
function isRecords(head: Uint8Array): boolean {
  if (head[0] !== 0x7b || head[1] !== 0x22) return false;
  const end = head.indexOf(LF);
  if (end < 0) return false;
  return head[end - 1] === 0x7d && (head[end + 1] === 0x7b || end + 1 === head.length);
}
