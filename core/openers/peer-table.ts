import { UsageError, VtError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';

/** Another Store, for pull and push. */
export interface Peer {
  readonly name: string;
  /** The specification by which it was opened. */
  readonly specification: string;
  readonly store: Store;
}

/** The peers of a session, in the order in which they were added. */
export class PeerTable implements AsyncDisposable {
  readonly #peers = new Map<string, Peer>();

  /** Adds a peer; the table will close it. @throws {VtError} EFAILED if its name is taken */
  add(peer: Peer): void {
    const known = this.#peers.get(peer.name);
    if (known !== undefined)
      throw new VtError('EFAILED', `add peer "${peer.name}": ${known.store.name} has that name`, {
        remedy: `peer --drop ${peer.name}, or give another by --name`,
      });
    this.#peers.set(peer.name, peer);
  }

  list(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  get(name: string): Peer | undefined {
    return this.#peers.get(name);
  }

  /**
   * The peer of a name; without a name the only one.
   *
   * @param action - for messages: `push`
   * @throws {UsageError} if there is no such peer, or several without a name
   */
  require(name: string | undefined, action: string): Peer {
    const names = [...this.#peers.keys()];
    const [first, ...more] = this.#peers.values();
    if (first === undefined)
      throw new UsageError(`${action}: there is no peer`, {
        remedy: `add one: peer STORE${name === undefined ? ', or name a Store with -p' : ''}`,
      });
    const found = name === undefined ? (more.length === 0 ? first : undefined) : this.#peers.get(name);
    if (found !== undefined) return found;
    const remedy = `use --peer with one of ${names.join(', ')}`;
    throw name === undefined
      ? new UsageError(`${action}: there are ${names.length} peers`, { remedy })
      : new UsageError(`${action}: there is no peer "${name}"`, { remedy });
  }

  /** Drops a peer and closes its Store. @throws {UsageError} if there is none of that name */
  async drop(name: string): Promise<void> {
    const found = this.require(name, 'peer --drop');
    this.#peers.delete(found.name);
    await found.store[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = this.list();
    this.#peers.clear();
    await Promise.allSettled(all.map(async ({ store }) => await store[Symbol.asyncDispose]()));
  }
}
