import { hashByName } from '../block/hash.ts';
import { AddedBlocks } from '../rights/added-blocks.ts';
import { lackOf, RightError } from '../rights/right-error.ts';
import { readGrant } from '../rights/rights.ts';
import type { RightsHolder } from '../rights/rights-line.ts';
import type { RightsTable } from '../rights/rights-table.ts';
import { RightsView } from '../rights/rights-view.ts';
import { canWrite, capability } from '../store/capability.ts';
import { RecordChecker } from '../store/records/record-checker.ts';
import type { Store } from '../store/store.ts';
import { ReadyAnswers } from './kept/ready-answers.ts';
import { ReadyContents } from './kept/ready-contents.ts';
import { VerifiedBlocks } from './kept/verified-blocks.ts';
import { RequestCounts } from './request-counts.ts';
import type { SharedByGateways, WebService } from './service.ts';
import { WebGateway } from './service.ts';
import type { HomeArchive } from './web-tree.ts';
import { WebWrites } from './writes.ts';

/** The gateways of a server: one for each client, with the part of the Store that it may see. */
export class WebGateways implements AsyncDisposable {
  /** Counts of all requests. */
  readonly counts = new RequestCounts();
  readonly #service: WebService;
  readonly #table: RightsTable | undefined;
  readonly #contents: ReadyContents;
  readonly #ready: ReadyAnswers;
  readonly #checker: RecordChecker;
  readonly #writes = new WebWrites();
  readonly #forAll: WebGateway;
  readonly #byHolder = new WeakMap<RightsHolder, WebGateway>();
  readonly #views: AsyncDisposable[] = [];

  /**
   * @param service - what is served
   * @param table - the clients with rights; undefined if everybody may read
   */
  constructor(service: WebService, table: RightsTable | undefined) {
    const store = new VerifiedBlocks(service.store);
    this.#contents = new ReadyContents(store);
    this.#ready = new ReadyAnswers(this.#contents);
    this.#service = { ...service, store };
    this.#table = table;
    this.#checker = new RecordChecker(hashByName(store.hashName));
    this.#forAll = new WebGateway(this.#service, this.#shared, true);
  }

  /** The gateway of a client; undefined: the one for requests that need no rights. */
  of(holder: RightsHolder | undefined): WebGateway {
    if (holder === undefined) return this.#forAll;
    const gateway = this.#byHolder.get(holder) ?? new WebGateway(this.#serviceOf(holder), this.#shared, seesAll(holder));
    this.#byHolder.set(holder, gateway);
    return gateway;
  }

  /** The clock by which links expire. */
  now(): Date {
    return this.#service.now();
  }

  /** Why a client may not write although others may; undefined if it may, or nobody may. */
  lackOfWriting(holder: RightsHolder | undefined): string | undefined {
    return this.#service.writes === undefined || holder === undefined || holder.rights.adds.length > 0
      ? undefined
      : `write: ${lackOf(holder, 'add')}`;
  }

  get #shared(): SharedByGateways {
    return { counts: this.counts, checker: this.#checker, writes: this.#writes, ready: this.#ready };
  }

  /** The service as a client sees it, without anything that it must not see. */
  #serviceOf(holder: RightsHolder): WebService {
    const { archive, store, now, onFailure, home, status, blocksAt, writes } = this.#service;
    const view = new RightsView(store, holder, () => this.#table?.holders().includes(holder) === true);
    const seen = canWrite(view) ? view : new AddedBlocks(view);
    this.#views.push(view, seen);
    const readsEverything = seesAll(holder);
    const seenArchive =
      readsEverything && archive !== undefined ? { name: archive.name, archive: view.guarded(archive.name, archive.archive) } : undefined;
    return {
      store: seen,
      archive: seenArchive,
      home: readsEverything ? home : async () => await firstHome(seen, holder, archive, home),
      isPublic: false,
      // A client that may not read all Blocks must not learn their location.
      blocksAt: readsEverything ? blocksAt : undefined,
      now,
      writes,
      status: async (signal) => {
        if (!readsEverything) throw new RightError(`read status: ${lackOf(holder, 'read')}`);
        return (await status?.(signal)) ?? [];
      },
      onFailure,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const view of this.#views) await view[Symbol.asyncDispose]();
    await this.#checker[Symbol.asyncDispose]();
    this.#contents.close();
  }
}

function seesAll({ rights }: RightsHolder): boolean {
  return rights.readsAll || rights.isOwner;
}

/** The start page of a client that may not read everything: the usual archive, or the first that it may read. */
async function firstHome(
  store: Store,
  { rights }: RightsHolder,
  archive: HomeArchive | undefined,
  home: () => Promise<string>,
): Promise<string> {
  if (archive !== undefined && readGrant(rights, archive.name) !== undefined) return await home();
  const [first] = (await capability(store, 'archives')?.list?.()) ?? [];
  return first === undefined ? '/store' : `/archive/${encodeURIComponent(first)}/`;
}
