import type { Octets } from '../base/octets.ts';
import type { FileDirent } from '../dirent/dirent.ts';
import type { LeafDirent } from '../tree/live/live-node.ts';
import type { WalkLink } from '../tree/walk.ts';
import type { ExportDir } from './export-dir.ts';

/** A name to be given to a node. */
export interface NamedPlace {
  readonly dir: ExportDir;
  readonly name: Octets;
  readonly path: Octets;
  readonly dirent: LeafDirent;
}

interface LinkedNode {
  /** Where the node got its first name; undefined while that is being written. */
  first: NamedPlace | undefined;
  readonly waiting: NamedPlace[];
  /** Names that are still to come, where that is known. */
  left: number | undefined;
}

/** Hard-linked nodes whose names have not all come yet. A name that comes while its node is being written waits for it. */
export class PendingLinks {
  readonly #nodes = new Map<string, LinkedNode>();

  /**
   * A name of a node has come.
   *
   * @returns `write` if it is the first, which has to be written and then reported by `written`. Else the place of the
   * first name, to link to, or undefined if the name waits
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

  /** The first name of a node is there; gives the names that waited for it. */
  written(link: WalkLink, place: NamedPlace): readonly NamedPlace[] {
    const node = this.#nodes.get(link.key);
    if (node === undefined) return [];
    node.first = place;
    if (node.left === 0) this.#nodes.delete(link.key);
    return node.waiting.splice(0);
  }

  /** Whether a name of the node is being written, for which others have to wait. */
  isBeingWritten(link: WalkLink): boolean {
    const node = this.#nodes.get(link.key);
    return node !== undefined && node.first === undefined;
  }

  /** A name waits for the one that is being written. */
  wait(link: WalkLink, place: NamedPlace): void {
    this.#nodes.get(link.key)?.waiting.push(place);
  }

  /** The node so far takes no more names: another is being written in its place. */
  restart(link: WalkLink): void {
    const node = this.#nodes.get(link.key);
    if (node === undefined) this.#nodes.set(link.key, { first: undefined, waiting: [], left: undefined });
    else node.first = undefined;
  }

  /** The first name of a node could not be made; gives the names that waited, of which the first is to be tried. */
  failed(link: WalkLink): readonly NamedPlace[] {
    const waiting = this.#nodes.get(link.key)?.waiting.splice(0) ?? [];
    this.#nodes.delete(link.key);
    return waiting;
  }
}

/** A file to be made. */
export interface FilePlace extends NamedPlace {
  readonly dirent: FileDirent;
  readonly link: WalkLink | undefined;
}
