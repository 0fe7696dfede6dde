import type { Octets } from '../base/octets.ts';

/** The id of a tree's root. */
export const ROOT_ID = 1;

/** Ids from here on are derived from a place; those below are counted. */
const FIRST_PLACE_ID = 2 ** 52;

/**
 * The id of the entry that is at a place since the tree was opened. It is a hash of 52 bits of its Dir's id and its name, so that
 * entries of untouched Dirs have lasting ids which nobody need remember. Of a million entries two share an id with a chance of 1
 * in 9,000.
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

/** Gives ids to new nodes, apart from those of every node there is. */
export class NodeIds {
  #last = ROOT_ID;
  /** Ids derived from places, which no new node may have. */
  readonly #away = new Set<number>();

  /** The id of a new node at a place: the place's own where nobody has it. */
  fresh(dirId: number, name: Octets): number {
    const id = entryId(dirId, name);
    if (!this.#away.has(id)) return id;
    this.#last++;
    return this.#last;
  }

  /** Notes that an id is not to be had again: its node leaves its place and lives on, or is a Dir that goes. */
  leave(id: number): void {
    if (id >= FIRST_PLACE_ID) this.#away.add(id);
  }
}
