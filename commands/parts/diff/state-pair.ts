import type { Octets } from '../../../core/base/octets.ts';

/** Two states of one path in one word, as in git. */
export interface StatePair {
  /** The path before the states; empty if there is none. */
  readonly name: Octets;
  /** The states, without `@`. An empty `last` means the present. */
  readonly first: Octets;
  readonly last: Octets;
}

/** Reads `PATH@A..@B`, `PATH@A..B` or `PATH@A..`; undefined for any other word. */
export function statePair(word: Octets): StatePair | undefined {
  const found = /^([^@]*)@([^@/]+?)\.\.@?([^@/]*)$/s.exec(word);
  if (found === null) return undefined;
  const [name = '', first = '', last = ''] = found.slice(1);
  return { name: name as Octets, first: first as Octets, last: last as Octets };
}
