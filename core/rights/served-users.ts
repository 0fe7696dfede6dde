import { octetsToText } from '../base/octets.ts';
import { errorText } from '../base/system/system-error.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { archiveOf } from '../store/archive-of-store.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';
import { treeFault } from '../sync/tree-fault.ts';
import type { TurnOptions } from '../wire/fair-turns.ts';
import type { ServedUser, StoreExport, StoreService } from '../wire/store-session.ts';
import { lackOf, noLonger, RightError } from './right-error.ts';
import type { RightsHolder } from './rights-line.ts';
import type { RightsTable } from './rights-table.ts';
import { RightsView } from './rights-view.ts';

/** The clients of a rights table, each with the Stores that it may use over a connection. */
export class ServedUsers implements AsyncDisposable {
  readonly #table: RightsTable;
  readonly #service: StoreService;
  readonly #users = new WeakMap<RightsHolder, ServedUser>();
  readonly #views: RightsView[] = [];

  /**
   * @param table - the clients
   * @param service - everything the server offers
   */
  constructor(table: RightsTable, service: StoreService) {
    this.#table = table;
    this.#service = service;
  }

  /** The present clients. A client whose line has only a hash is left out: the handshake needs the secret itself. */
  list(): readonly ServedUser[] {
    return this.#table.holders().flatMap((holder) => {
      if (holder.secret === undefined) return [];
      const user = this.#users.get(holder) ?? this.#userOf(holder, holder.secret);
      this.#users.set(holder, user);
      return [user];
    });
  }

  #userOf(holder: RightsHolder, secret: Uint8Array): ServedUser {
    const { rights } = holder;
    const lacks = rights.adds.length === 0 ? lackOf(holder, 'add') : undefined;
    const isAllowed = (): boolean => this.#table.holders().includes(holder);
    const requireServed = (isWrite: boolean): void => {
      if (!isAllowed()) throw noLonger(holder);
      if (isWrite && lacks !== undefined) throw new RightError(`add to Store: ${lacks}`);
    };
    const seen = ([name, { store }]: readonly [string, StoreExport]): readonly [string, StoreExport] => {
      const view = new RightsView(store, holder, isAllowed);
      this.#views.push(view);
      return [name, exportOf(view)];
    };
    const exports = [...this.#service.exports].filter(([name]) => rights.mayUse(name));
    const limited = { exports: new Map(exports.map(seen)), isAppendOnly: true, rootFault: wholeTreeFault };
    return { secret, requireServed, lacks, service: { ...this.#service, ...(rights.isOwner ? { exports: new Map(exports) } : limited) } };
  }

  /** Leaves the served Stores open. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const view of this.#views) await view[Symbol.asyncDispose]();
  }
}

/** Makes the export of a Store, with its archives if it has any. */
export function exportOf(store: Store): StoreExport {
  return capability(store, 'archives') !== undefined ? { store, archive: (name) => archiveOf(store, name) } : { store };
}

/**
 * Finds why a client that may only add must not record a root: others could not read it completely.
 *
 * @returns the path and error of the first fault; undefined for a complete tree
 */
export async function wholeTreeFault(store: Store, root: Dirent, { signal, turn }: TurnOptions): Promise<string | undefined> {
  const fault = await treeFault(store, root, { signal, between: () => turn?.next() });
  return fault && `"${octetsToText(fault.path)}": ${errorText(fault.error)}`;
}
