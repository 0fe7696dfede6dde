import type { Octets } from '../../../core/base/octets.ts';

/** Two states of one path in one word, as git has them. */
export interface StatePair {
  /** The path before them; empty where there is none. */
  readonly name: Octets;
  /** The states, without `@`. The last is empty where none was named: the present. */
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
