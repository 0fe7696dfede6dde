/** Characters that must be typed before a line of the history is suggested. */
const MIN_TYPED = 2;

/** The newest line of a history that begins with the typed text; undefined for none. @param history - the oldest first */
export function suggestedLine(typed: string, history: readonly string[]): string | undefined {
  if (typed.trim().length < MIN_TYPED) return undefined;
  return history.findLast((line) => line.length > typed.length && line.startsWith(typed) && !/[\n\u23ce]/.test(line));
}
