/** A short form of a reference, for users: the start of its first hash, else of its text. */
export function shortReference(text: string): string {
  const hex = /[\da-f]{16,}/.exec(text)?.[0];
  return hex === undefined ? text.slice(0, 24) : `${hex.slice(0, 12)}…`;
}
