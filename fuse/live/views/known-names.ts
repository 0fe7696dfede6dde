import type { Octets } from '../../../core/base/octets.ts';
import type { LiveFilesystem } from '../live-filesystem.ts';

/** A name in a Dir. */
export interface KnownName {
  readonly parent: number;
  readonly name: Octets;
}

/**
 * The names by which a kernel may know files. A file with one name has it in the live tree. Names of hard links are not
 * known from their node, so those that the kernel was given are remembered here.
 */
export class KnownNames {
  readonly #live: LiveFilesystem;
  /** By file, then by key: a file may have thousands. */
  readonly #names = new Map<number, Map<string, KnownName>>();
  /** The file that each name was last given for. */
  readonly #files = new Map<string, number>();

  constructor(live: LiveFilesystem) {
    this.#live = live;
  }

  /** Notes that the kernel was given a name. */
  given(ino: number, place: KnownName): void {
    const node = this.#live.mount.inodes.find(ino)?.node;
    if (node?.sort === 'leaf' && node.hard !== undefined) this.#add(ino, place);
  }

  /** Notes that the kernel itself has renamed an entry, or has exchanged two. */
  renamed(from: KnownName, to: KnownName): void {
    const [one, other] = [this.#files.get(keyOf(from)), this.#files.get(keyOf(to))];
    if (one !== undefined) this.#add(one, to);
    if (other !== undefined) this.#add(other, from);
  }

  /** All names that the kernel may have of a file, perhaps with some that it no longer has. */
  of(ino: number): readonly KnownName[] {
    const known = [...(this.#names.get(ino)?.values() ?? [])];
    const node = this.#live.mount.inodes.find(ino)?.node;
    if (node?.sort !== 'leaf') return known;
    const places = [node.home, node.hard?.known?.[0]].filter((place) => place !== undefined);
    return [...known, ...places.map(({ dir, name }) => ({ parent: dir.id, name }))];
  }

  /** The kernel has forgotten a file. */
  forget(ino: number): void {
    for (const key of this.#names.get(ino)?.keys() ?? []) if (this.#files.get(key) === ino) this.#files.delete(key);
    this.#names.delete(ino);
  }

  clear(): void {
    this.#names.clear();
    this.#files.clear();
  }

  #add(ino: number, place: KnownName): void {
    const key = keyOf(place);
    const names = this.#names.get(ino) ?? new Map<string, KnownName>();
    this.#names.set(ino, names.set(key, place));
    this.#files.set(key, ino);
  }
}

function keyOf({ parent, name }: KnownName): string {
  return `${parent}/${name}`;
}
