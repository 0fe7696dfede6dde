import { octetsFromBytes } from '../../base/octets.ts';
import { commonLines } from './line-diff.ts';

/** Number of context lines around a change. */
const CONTEXT = 3;

/** A content is text if none of its first octets, up to this many, is NUL, as in diff(1). */
const PROBE_SIZE = 32 * 1024;

/** A group of changes with the lines around them. */
export interface Hunk {
  /** Index of the first line in each, from 0; if there are no lines, the index of the following line. */
  readonly before: number;
  readonly after: number;
  readonly lines: readonly HunkLine[];
}

/** A line of a hunk. */
export interface HunkLine {
  readonly mark: ' ' | '-' | '+';
  /** One char per octet, with the LF if there is one. */
  readonly text: string;
}

/** Whether a content is text. */
export function isText(data: Uint8Array): boolean {
  return !data.subarray(0, PROBE_SIZE).includes(0);
}

/** Compares two texts by lines. */
export function hunksOf(before: Uint8Array, after: Uint8Array): Hunk[] {
  const a = linesOf(before);
  const b = linesOf(after);
  const changes: { before: number; beforeEnd: number; after: number; afterEnd: number }[] = [];
  let at = { before: 0, after: 0 };
  for (const run of [...commonLines(a, b), { before: a.length, after: b.length, length: 0 }]) {
    if (run.before > at.before || run.after > at.after)
      changes.push({ before: at.before, beforeEnd: run.before, after: at.after, afterEnd: run.after });
    at = { before: run.before + run.length, after: run.after + run.length };
  }
  const hunks: Hunk[] = [];
  for (let i = 0; i < changes.length; ) {
    let last = i;
    while (last + 1 < changes.length && (changes[last + 1]?.before as number) - (changes[last]?.beforeEnd as number) <= 2 * CONTEXT) last++;
    const group = changes.slice(i, last + 1);
    const [first] = group;
    if (first === undefined) break;
    const lead = Math.min(CONTEXT, first.before);
    const lines: HunkLine[] = [];
    let from = first.before - lead;
    const show = (mark: HunkLine['mark'], texts: readonly string[]): void => {
      for (const text of texts) lines.push({ mark, text });
    };
    for (const change of group) {
      show(' ', a.slice(from, change.before));
      show('-', a.slice(change.before, change.beforeEnd));
      show('+', b.slice(change.after, change.afterEnd));
      from = change.beforeEnd;
    }
    show(' ', a.slice(from, from + CONTEXT));
    hunks.push({ before: first.before - lead, after: first.after - lead, lines });
    i = last + 1;
  }
  return hunks;
}

/**
 * Formats hunks as `diff -u` does, for patch(1); one char per octet.
 *
 * @see https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html
 */
export function formatHunks(hunks: readonly Hunk[]): string {
  const parts: string[] = [];
  for (const { before, after, lines } of hunks) {
    const count = (other: '-' | '+'): number => lines.filter(({ mark }) => mark === ' ' || mark === other).length;
    parts.push(`@@ -${rangeText(before, count('-'))} +${rangeText(after, count('+'))} @@\n`);
    for (const { mark, text } of lines)
      parts.push(text.endsWith('\n') ? `${mark}${text}` : `${mark}${text}\n\\ No newline at end of file\n`);
  }
  return parts.join('');
}

function rangeText(start: number, count: number): string {
  if (count === 0) return `${start},0`;
  return count === 1 ? String(start + 1) : `${start + 1},${count}`;
}

/** Splits into lines with their LF; the last may have none. */
function linesOf(data: Uint8Array): string[] {
  return octetsFromBytes(data).match(/[^\n]*\n|[^\n]+/g) ?? [];
}
