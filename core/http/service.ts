import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { CorruptBlockError } from '../base/errors.ts';
import { octetsFromText, octetsToText } from '../base/octets.ts';
import { canWrite } from '../store/capability.ts';
import type { RecordChecker } from '../store/records/record-checker.ts';
import type { Store } from '../store/store.ts';
import type { TreePath } from '../tree/path.ts';
import { pathOf, splitPath } from '../tree/path.ts';

import { indirectContent, storedBlock } from './block-content.ts';
import { blockRecords, whichAreThere } from './block-records.ts';
import { BodyShare } from './body-gate.ts';
import { compressedFor } from './compressed.ts';
import { davNodes, multistatus } from './dav/propfind.ts';
import { parsePropfind } from './dav/propfind-body.ts';
import { fileContent } from './file-content.ts';
import { DAMAGED, FAULT_HEADER, IMMUTABLE, REVALIDATED } from './headers.ts';
import { KeptPages } from './kept/kept-pages.ts';
import type { ReadyAnswers } from './kept/ready-answers.ts';
import { pageFile } from './page/page-files.ts';
import { shortReference } from './page/short-reference.ts';
import { pastState } from './past/past.ts';
import type { Place } from './place.ts';
import type { Query } from './place-views.ts';
import { PlaceViews } from './place-views.ts';
import { problemOf, sendProblem } from './problem.ts';
import type { Representation } from './representation.ts';
import type { RequestCounts } from './request-counts.ts';
import { requestTarget } from './request-target.ts';
import type { Route } from './routes.ts';
import { parseQuery, parseRoute, shareRoute } from './routes.ts';
import { send, sendBody } from './send.ts';
import type { SharedPath } from './share-link.ts';
import { SharedTrees } from './shared-trees.ts';
import type { StatusItem } from './status-item.ts';
import { metricsView, statusView } from './status-view.ts';
import { archiveLines, describeStore } from './store-text.ts';
import type { HomeArchive } from './web-tree.ts';
import { WebTrees } from './web-tree.ts';
import type { WebWrites } from './writes.ts';

const XML_TYPE = 'application/xml; charset=utf-8';

/** Queries of a node whose answers depend only on its tree. */
const TREE_QUERIES: ReadonlySet<string> = new Set(['view', 'thumbnail', 'download']);

const ALWAYS = (): boolean => true;

/** Everything that a server offers. */
export interface WebService {
  readonly store: Store;
  readonly archive: HomeArchive | undefined;
  /** Gives the URL path to which `/` redirects. */
  readonly home: () => Promise<string>;
  /** Whether shared caches may keep immutable answers. */
  readonly isPublic: boolean;
  /** A URL without a final slash that has the Blocks; `/h/` redirects there. */
  readonly blocksAt?: string | undefined;
  /** Set if clients with the right may add Blocks and states; `instance` names this process. */
  readonly writes?: { readonly instance: string } | undefined;
  readonly now: () => Date;
  /** Gives the status of the Store, for `/status` and `/metrics`. */
  readonly status?: ((signal: AbortSignal) => Promise<readonly StatusItem[]>) | undefined;
  /** Called with each internal error. */
  readonly onFailure: (error: unknown) => void;
}

/** The parts that all gateways of a server share. */
export interface SharedByGateways {
  readonly counts: RequestCounts;
  readonly checker: RecordChecker;
  readonly writes: WebWrites;
  /** Used only for clients that may read every Block. */
  readonly ready: ReadyAnswers;
}

/** Answers requests about a Store, and adds to it. */
export class WebGateway {
  readonly #service: WebService;
  readonly #counts: RequestCounts;
  readonly #writes: WebWrites;
  readonly #share = new BodyShare();
  readonly #trees: WebTrees;
  readonly #checker: RecordChecker;
  readonly #shared: SharedTrees;
  readonly #views: PlaceViews;
  readonly #pages = new KeptPages();
  readonly #ready: ReadyAnswers | undefined;

  /**
   * @param service - what the client may see
   * @param seesAll - whether the client may read every Block
   */
  constructor(service: WebService, { counts, checker, writes, ready }: SharedByGateways, seesAll: boolean) {
    this.#service = service;
    this.#counts = counts;
    this.#writes = writes;
    this.#trees = new WebTrees(service.store, service.archive);
    this.#shared = new SharedTrees(service.store);
    this.#views = new PlaceViews(this.#trees, service.now);
    this.#checker = checker;
    this.#ready = seesAll ? ready : undefined;
  }

  /** Answers a request at once if its answer is kept and cannot have changed. @returns whether it did */
  answersAtOnce(request: IncomingMessage, response: ServerResponse, shared: SharedPath | undefined): boolean {
    const { method } = request;
    return (
      this.#ready !== undefined &&
      shared === undefined &&
      (method === 'GET' || method === 'HEAD') &&
      !hasBody(request) &&
      this.#ready.send(request, response)
    );
  }

  /** Answers one GET or HEAD; never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse, signal: AbortSignal, shared?: SharedPath): Promise<void> {
    try {
      const { path, query } = requestTarget(request);
      const route = shared === undefined ? parseRoute(path) : shareRoute(shared);
      const found = route === undefined ? undefined : await this.#find(route, path, parseQuery(query), request.headers, signal);
      if (found === undefined)
        sendProblem(response, 404, route === undefined ? 'nothing is here; trees are below /archive/' : 'nothing is here');
      else if ('location' in found) redirect(response, found.status === 301 ? { ...found, location: found.location + query } : found);
      else {
        const made = this.#pages.page(compressedFor(request.headers, found));
        await send(request, response, (await this.#ready?.keep(request, response, made, signal)) ?? made, signal);
      }
    } catch (error) {
      this.#fail(response, error, signal);
    }
  }

  /** Whether writes are possible. */
  get takesWrites(): boolean {
    return this.#service.writes !== undefined && canWrite(this.#service.store);
  }

  /** Answers one PUT or POST; never rejects. */
  async write(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    try {
      const { store, writes, now } = this.#service;
      const route = parseRoute(requestTarget(request).path);
      const target = {
        store,
        checker: this.#checker,
        share: this.#share,
        instance: writes?.instance ?? '',
        now,
        archive: (name: string) => this.#trees.archive(name),
      };
      const { status, text, headers = {} } = await this.#writes.answer(route, request, target, signal);
      // The rest of a body would be taken for the next request.
      if (!request.complete) response.setHeader('connection', 'close');
      if (status >= 400) sendProblem(response, status, text ?? '', headers);
      else response.writeHead(status, { 'cache-control': 'no-store', ...headers }).end(text === undefined ? undefined : `${text}\n`);
    } catch (error) {
      response.setHeader('connection', 'close');
      this.#fail(response, error, signal);
    }
  }

  /** Answers one PROPFIND; never rejects. @see RFC 4918, 9.1 */
  async propfind(
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
    signal: AbortSignal,
    shared?: SharedPath,
  ): Promise<void> {
    try {
      const wanted = parsePropfind(body);
      if (wanted === undefined) {
        sendProblem(response, 400, 'the body is no propfind element in XML');
        return;
      }
      const route = shared === undefined ? parseRoute(requestTarget(request).path) : shareRoute(shared);
      const place =
        route?.kind === 'tree' || route?.kind === 'archive' || route?.kind === 'share' ? await this.#place(route, signal) : undefined;
      const entry = await place?.tree.lookup(pathOf(place.names), { signal });
      if (place === undefined || entry === undefined || (entry.dirent.kind !== 'dir' && entry.dirent.kind !== 'file')) {
        sendProblem(response, 404, 'nothing is here');
        return;
      }
      const { depth } = request.headers;
      // A file has nothing below it, so its depth does not matter.
      if (entry.dirent.kind === 'dir' && depth !== '0' && depth !== '1') {
        const text = '<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>\n';
        response.writeHead(403, { 'content-type': XML_TYPE, 'content-length': String(text.length) }).end(text);
        return;
      }
      const nodes = davNodes(place, entry, depth === '0' ? 0 : 1, signal);
      const head = { 'content-type': XML_TYPE, 'cache-control': REVALIDATED };
      await sendBody(response, () => response.writeHead(207, head), [octetsOf(multistatus(nodes, wanted))]);
    } catch (error) {
      this.#fail(response, error, signal);
    }
  }

  async #find(
    route: Route,
    path: string,
    query: Query,
    headers: IncomingHttpHeaders,
    signal: AbortSignal,
  ): Promise<Representation | Redirect | undefined> {
    const { store, home, archive, blocksAt, isPublic } = this.#service;
    const immutable = `${isPublic ? 'public' : 'private'}, ${IMMUTABLE}`;
    switch (route.kind) {
      case 'home':
        return { status: 302, location: await home() };
      case 'store':
        return await describeStore(store, archive, this.takesWrites ? this.#service.writes?.instance : undefined);
      case 'status':
        return statusView((await this.#service.status?.(signal)) ?? [], headers);
      case 'metrics':
        return metricsView((await this.#service.status?.(signal)) ?? [], this.#counts);
      case 'block':
        if (blocksAt !== undefined) return { status: 302, location: `${blocksAt}/${path.slice('/h/'.length)}` };
        return { ...(await storedBlock(store, route.hashcode, immutable, signal)), lasts: ALWAYS };
      case 'contents':
        return await indirectContent(store, route.hashcode, immutable, signal);
      case 'records':
        if (route.hashcodes.some(({ hashName }) => hashName !== store.hashName)) return undefined;
        return query.has('has')
          ? await whichAreThere(store, route.hashcodes, signal)
          : await blockRecords(store, route.hashcodes, this.#checker, immutable, signal);
      case 'new records':
        return undefined;
      case 'page file':
        return pageFile(route.name);
      case 'share': {
        const place = await this.#place(route, signal);
        return place === undefined ? undefined : await this.#show(place, route.isDir, path, query, signal);
      }
      case 'tree': {
        const place = await this.#place(route, signal);
        if (place !== undefined) return await this.#show(place, route.uri.isDir, path, query, signal);
        if (route.uri.isDir || route.uri.path !== '') return undefined;
        const top = await this.#trees.node(route.uri.target, false, { signal });
        if (top.kind !== 'file') return undefined;
        const entry = { path: '/' as TreePath, name: top.name, dirent: top, size: top.block.span, nlink: 1, id: 0 };
        const view = { download: query.has('download'), cacheControl: immutable };
        return lasting(ALWAYS, query, await fileContent(store, entry, view, signal));
      }
      case 'archive': {
        const { name, isDir } = route;
        const lines = query.get('lines');
        if (lines !== undefined) return archiveLines(this.#trees.archive(name), lines === 'last');
        const place = await this.#place(route, signal);
        return place === undefined ? undefined : await this.#show(place, isDir, path, query, signal);
      }
    }
  }

  /** The node of a URL within a tree; undefined if the URL names no tree. */
  async #place(route: Extract<Route, { kind: 'tree' | 'archive' | 'share' }>, signal: AbortSignal): Promise<Place | undefined> {
    const { isPublic, now } = this.#service;
    const { base } = route;
    if (route.kind === 'tree') {
      const { uri } = route;
      const names = splitPath(uri.path as TreePath);
      const top = await this.#trees.node(uri.target, names.length > 0 || uri.isDir, { signal });
      if (top.kind !== 'dir') return undefined;
      const cacheControl = `${isPublic ? 'public' : 'private'}, ${IMMUTABLE}`;
      return {
        ...this.#trees.tree(top),
        title: shortReference(decodeURIComponent(base.slice('/d/'.length, -1))),
        base,
        names,
        cacheControl,
        lasts: ALWAYS,
        opensReferences: true,
      };
    }
    if (route.kind === 'share') {
      const { share, link, state, names } = route;
      const past = share.hasPast ? this.#shared.past(this.#trees.archive(share.archive), share.names, link) : undefined;
      if (state !== undefined && past === undefined) return undefined;
      const part =
        state !== undefined && past !== undefined
          ? await pastState(past, state, now(), { signal })
          : await this.#shared.part(await this.#trees.state(share.archive, share.state, now(), { signal }), share.names, { signal });
      const name = octetsToText(share.names.at(-1) ?? octetsFromText(share.archive));
      const title = state === undefined ? name : `${name}@${state}`;
      const history = past && `${link}/?log`;
      return part && { ...part, title, base, names, cacheControl: REVALIDATED, past, history, opensReferences: false };
    }
    const { name, state, names } = route;
    const found = await this.#trees.state(name, state, now(), { signal });
    const newest = `/archive/${encodeURIComponent(name)}`;
    const { store } = this.#service;
    return {
      ...found,
      title: state === undefined ? name : `${name}@${state}`,
      base,
      names,
      cacheControl: REVALIDATED,
      history: `${newest}/?log`,
      past: { archive: this.#trees.archive(name), base: newest, store, tree: (root) => this.#trees.tree(root) },
      opensReferences: true,
      lasts: state === undefined ? this.#trees.isNewest(name, found) : undefined,
      newest: state === undefined ? `${newest}/?lines=last` : undefined,
    };
  }

  async #show(
    place: Place,
    isDir: boolean,
    path: string,
    query: Query,
    signal: AbortSignal,
  ): Promise<Representation | Redirect | undefined> {
    const { tree, names } = place;
    const entry = await tree.lookup(pathOf(names), { signal });
    if (entry === undefined) return undefined;
    if (entry.dirent.kind === 'dir') {
      if (!isDir) return { status: 301, location: `${path}/` };
      return lasting(place.lasts, query, await this.#views.dir(place, entry, query, signal));
    }
    return isDir || entry.dirent.kind !== 'file'
      ? undefined
      : lasting(place.lasts, query, await this.#views.file(place, entry, query, signal));
  }

  #fail(response: ServerResponse, error: unknown, signal: AbortSignal): void {
    if (signal.aborted || response.headersSent) {
      if (!signal.aborted) this.#service.onFailure(error);
      response.destroy();
      return;
    }
    const { status, reason } = problemOf(error);
    if (status >= 500) this.#service.onFailure(error);
    sendProblem(response, status, reason, error instanceof CorruptBlockError ? { [FAULT_HEADER]: DAMAGED } : {});
  }
}

/** Whether a request has a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/** Joins pieces of text to larger ones: a Dir may have a million names. */
async function* octetsOf(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    if (text.length < 32 * 1024) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

function lasting<T extends Representation | undefined>(lasts: Place['lasts'], query: Query, made: T): T {
  return made !== undefined && [...query.keys()].every((key) => TREE_QUERIES.has(key)) ? { ...made, lasts } : made;
}

interface Redirect {
  readonly status: 301 | 302;
  readonly location: string;
}

function redirect(response: ServerResponse, { status, location }: Redirect): void {
  response.writeHead(status, { location, 'cache-control': 'no-store', 'content-length': '0' }).end();
}
