/**
 * Whether an LMDB file can be opened without harm.
 *
 * @returns what is wrong with it, or undefined
 */
export function checkIndexFile(_path: string): string | undefined {
  return undefined;
}
