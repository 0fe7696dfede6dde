/** Milliseconds after which the same text is printed again. */
const REPEAT_MS = 3_600_000;
/** Texts to remember, at most; beyond that all are forgotten. */
const MAX_KNOWN = 256;

/**
 * Limits each text to once an hour: errors of retries, or of every client of a mount, would fill its log.
 *
 * @param tell - prints a text
 * @param nowMs - a clock that never goes back, in milliseconds
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
