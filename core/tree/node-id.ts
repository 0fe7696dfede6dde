import type { Octets } from '../base/octets.ts';

/** The id of a tree's root. */
export const ROOT_ID = 1;

/** Ids from here on are derived from a place; ids below are from a counter. */
const FIRST_PLACE_ID = 2 ** 52;

/**
 * The id of an entry that has been at a place since the tree was opened: a 52-bit hash of its Dir's id and its name. So entries of
 * unchanged Dirs have stable ids that need not be stored. Among a million entries, the probability that two share an id is
 * 1 in 9,000.
 *
 * @returns 2^52 <= id < 2^53
 */
export function entryId(dirId: number, name: Octets): number {
  let low = mix((dirId >>> 0) ^ 0x2545f491);
  let high = mix(Math.floor(dirId / 2 ** 32) ^ low ^ 0x6c8e9cf5);
  for (let i = 0; i < name.length; i++) {
    const octet = name.charCodeAt(i);
    low = Math.imul(low ^ octet, 0x9e3779b1) ^ (low >>> 15);
    high = Math.imul(high + octet + 1, 0x85ebca77) ^ (high >>> 13);
  }
  low = mix(low ^ Math.imul(name.length, 0x27d4eb2f));
  high = mix(high ^ (low >>> 7));
  return FIRST_PLACE_ID + (high >>> 12) * 2 ** 32 + (low >>> 0);
}

function mix(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return h ^ (h >>> 16);
}

/** Gives new nodes ids that no other node has. */
export class NodeIds {
  #last = ROOT_ID;
  /** Ids derived from places that no new node may get. */
  readonly #away = new Set<number>();

  /** The id for a new node at a place: the place's own id if it is unused. */
  fresh(dirId: number, name: Octets): number {
    const id = entryId(dirId, name);
    if (!this.#away.has(id)) return id;
    this.#last++;
    return this.#last;
  }

  /** Notes that an id must not be used again: its node leaves its place but continues to exist, or is a removed Dir. */
  leave(id: number): void {
    if (id >= FIRST_PLACE_ID) this.#away.add(id);
  }
}
