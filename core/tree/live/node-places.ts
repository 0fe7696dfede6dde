import { PathError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { checkEntryName, joinPath } from '../path.ts';
import type { Place } from './live-changes.ts';
import type { LiveDir, RawEntry } from './live-node.ts';
import { findEntry, findEntryNow } from './live-node.ts';
import type { LiveNode, LiveState } from './live-state.ts';
import { openEntry } from './live-state.ts';

/** Looks up names in Dirs of a live tree, and checks whether they are used or free. */
export class NodePlaces {
  readonly #state: LiveState;

  constructor(state: LiveState) {
    this.#state = state;
  }

  /** Finds the place of a name, used or free. */
  async at(dir: LiveDir, name: Octets, options: OpOptions): Promise<Place> {
    this.checkLive(dir);
    const path = joinPath(dir.path(), name);
    const entry = await findEntry(this.#state.reader, dir, name, options);
    return { dir, name, path, node: entry === undefined ? undefined : await this.open(dir, { name, entry }, options) };
  }

  /** Finds the place of a used name. @throws {PathError} ENOENT if it is free */
  async used(dir: LiveDir, name: Octets, action: string, options: OpOptions): Promise<Place & { readonly node: LiveNode }> {
    const place = await this.at(dir, name, options);
    if (place.node === undefined) throw new PathError('ENOENT', action, place.path);
    return { ...place, node: place.node };
  }

  /** Finds the place of a free, valid name. @throws {PathError} EEXIST if it is used, and others */
  async free(dir: LiveDir, name: Octets, action: string, options: OpOptions): Promise<Place> {
    const place = await this.at(dir, name, options);
    if (place.node !== undefined) throw new PathError('EEXIST', action, place.path);
    checkEntryName(name, action, place.path);
    return place;
  }

  /** Finds the entry of a name; undefined if there is none, null if the Dir must be read asynchronously. */
  findNow(dir: LiveDir, name: Octets): RawEntry['entry'] | undefined | null {
    this.checkLive(dir);
    return findEntryNow(this.#state.reader, dir, name);
  }

  /** Resolves an entry to its node. */
  open(dir: LiveDir, raw: RawEntry, options: OpOptions | undefined): Promise<LiveNode> {
    return openEntry(this.#state, dir, raw, true, options);
  }

  /** Whether a Dir is still in the tree. */
  isLive(dir: LiveDir): boolean {
    let at = dir;
    for (; at.parent !== undefined; at = at.parent) if (at.gone) return false;
    return at === this.#state.root;
  }

  /** @throws {PathError} ENOENT if a Dir is no longer in the tree */
  checkLive(dir: LiveDir): void {
    if (!this.isLive(dir)) throw new PathError('ENOENT', 'use', dir.name);
  }
}
