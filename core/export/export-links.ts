import type { Octets } from '../base/octets.ts';
import type { FileDirent } from '../dirent/dirent.ts';
import type { LeafDirent } from '../tree/live/live-node.ts';
import type { WalkLink } from '../tree/walk.ts';
import type { ExportDir } from './export-dir.ts';

/** A name to give to a node. */
export interface NamedPlace {
  readonly dir: ExportDir;
  readonly name: Octets;
  readonly path: Octets;
  readonly dirent: LeafDirent;
}

interface LinkedNode {
  /** The place of its first name; undefined while that is being written. */
  first: NamedPlace | undefined;
  readonly waiting: NamedPlace[];
  /** How many names are still to come, if known. */
  left: number | undefined;
}

/** Hard-linked nodes of which not all names have arrived. A name that arrives while its node is being written waits. */
export class PendingLinks {
  readonly #nodes = new Map<string, LinkedNode>();

  /**
   * Called for each name of a node.
   *
   * @returns `write` if it is the first name: the caller writes the node and then calls `written` or `failed`. Else the place of the first
   * name, to link to, or undefined if the name waits
   */
  arrive(link: WalkLink, place: NamedPlace): 'write' | NamedPlace | undefined {
    const node = this.#nodes.get(link.key);
    if (node === undefined) {
      this.#nodes.set(link.key, { first: undefined, waiting: [], left: link.nlink > 1 ? link.nlink - 1 : undefined });
      return 'write';
    }
    if (node.left !== undefined) node.left--;
    if (node.first === undefined) {
      node.waiting.push(place);
      return undefined;
    }
    if (node.left === 0) this.#nodes.delete(link.key);
    return node.first;
  }

  /** Called when the first name of a node has been written. Returns the names that waited for it. */
  written(link: WalkLink, place: NamedPlace): readonly NamedPlace[] {
    const node = this.#nodes.get(link.key);
    if (node === undefined) return [];
    node.first = place;
    if (node.left === 0) this.#nodes.delete(link.key);
    return node.waiting.splice(0);
  }

  /** Whether the node is being written, so that other names must wait. */
  isBeingWritten(link: WalkLink): boolean {
    const node = this.#nodes.get(link.key);
    return node !== undefined && node.first === undefined;
  }

  /** Adds a name that waits for the node to be written. */
  wait(link: WalkLink, place: NamedPlace): void {
    this.#nodes.get(link.key)?.waiting.push(place);
  }

  /** Called when the node cannot have more names, and a copy of it is being written for the next ones. */
  restart(link: WalkLink): void {
    const node = this.#nodes.get(link.key);
    if (node === undefined) this.#nodes.set(link.key, { first: undefined, waiting: [], left: undefined });
    else node.first = undefined;
  }

  /** Called when the node could not be written. Returns the names that waited; the caller tries the first of them. */
  failed(link: WalkLink): readonly NamedPlace[] {
    const waiting = this.#nodes.get(link.key)?.waiting.splice(0) ?? [];
    this.#nodes.delete(link.key);
    return waiting;
  }
}

/** A file to write. */
export interface FilePlace extends NamedPlace {
  readonly dirent: FileDirent;
  readonly link: WalkLink | undefined;
}
