/** The start of a reference, for people: that of its first hash, else its own. */
export function shortReference(text: string): string {
  const hex = /[\da-f]{16,}/.exec(text)?.[0];
  return hex === undefined ? text.slice(0, 24) : `${hex.slice(0, 12)}…`;
}
