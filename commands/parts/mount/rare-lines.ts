/** Milliseconds after which the same text is printed again. */
const REPEAT_MS = 3_600_000;
/** Remembered texts, at most; with more, all are forgotten. */
const MAX_KNOWN = 256;

/**
 * Prints each text once an hour, at most: errors of retries, or of every client of a mount, would fill its log.
 *
 * @param nowMs - a clock that only goes forward
 */
export function rareLines(tell: (text: string) => void, nowMs: () => number): (text: string) => void {
  const toldMs = new Map<string, number>();
  return (text) => {
    const last = toldMs.get(text);
    if (last !== undefined && nowMs() - last < REPEAT_MS) return;
    if (toldMs.size >= MAX_KNOWN) toldMs.clear();
    toldMs.set(text, nowMs());
    tell(text);
  };
}
