import type { ArchiveEntry } from '../archive/archive.ts';
import { newestFirst } from '../archive/newest-first.ts';
import { octetsFromText } from '../base/octets.ts';
import { formatBlock } from '../block/block-text.ts';
import { blockTreeStats } from '../block/tree-stats.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { pathHistory } from '../history/path-history.ts';
import type { NodeDirent } from '../tree/diff/diff.ts';
import { joinPath, pathOf } from '../tree/path.ts';
import type { Tree, TreeEntry } from '../tree/tree.ts';
import { RequestGate } from '../wire/request-gate.ts';
import { blockMap } from './block-map.ts';
import type { DirFormat, Place } from './dir-view.ts';
import { dirView, encoded } from './dir-view.ts';
import { fileContent } from './file-content.ts';
import { madeEtag, REVALIDATED, urlPath } from './headers.ts';
import { tarView, zipView } from './packed-view.ts';
import { blocksPage } from './page/blocks-page.ts';
import { changesPage } from './page/changes-page.ts';
import { filePage } from './page/file-page.ts';
import { historyPage } from './page/history-page.ts';
import type { Html } from './page/html.ts';
import { PAGE_POLICY, PAGE_VERSION } from './page/page.ts';
import { searchPage } from './page/search-page.ts';
import { versionsPage } from './page/versions-page.ts';
import { readText } from './read-text.ts';
import type { Representation } from './representation.ts';
import { search } from './search.ts';
import { treeChanges } from './tree-changes.ts';
import { vtdView } from './vtd/vtd-view.ts';
import type { WebTrees } from './web-tree.ts';
import { KnownCrcs } from './zip/zip-stream.ts';

/** States that the history of an archive shows, and those in which versions of a path are looked for. */
const MAX_STATES = 1000;

/** Walks over trees at a time: each takes its share of what all requests have. */
const MAX_WALKS = 4;

/** Octets of a content whose Blocks are drawn. */
const MAX_MAPPED_SIZE = 4 * 1024 * 1024 * 1024;

/** The query of a URL. */
export type Query = ReadonlyMap<string, string>;

/** What the URL of a node gives, by its query. */
export class PlaceViews {
  readonly #trees: WebTrees;
  readonly #now: () => Date;
  readonly #crcs = new KnownCrcs();
  readonly #walks = new RequestGate(MAX_WALKS, 0);

  constructor(trees: WebTrees, now: () => Date) {
    this.#trees = trees;
    this.#now = now;
  }

  /** A Dir. */
  async dir(place: Place, entry: TreeEntry, query: Query, signal: AbortSignal): Promise<Representation> {
    if (query.has('vtd')) return await this.#vtd(place, query, signal);
    if (query.has('tar')) return await this.#walking(signal, async () => await tarView(place, signal));
    if (query.has('zip')) return await this.#walking(signal, async () => await zipView(place, this.#crcs, signal));
    const text = query.get('q');
    if (text !== undefined && text !== '') return await this.#search(place, text, signal);
    const since = query.get('diff');
    if (since !== undefined && place.archive !== undefined) return await this.#changes(place, since, signal);
    if (query.has('log') && place.archive !== undefined) return await this.#versions(place, signal);
    const format: DirFormat = query.has('json') ? 'json' : query.has('simple') ? 'simple' : 'page';
    return await dirView(place, entry, format, signal);
  }

  /** A file. */
  async file(place: Place, entry: TreeEntry, query: Query, signal: AbortSignal): Promise<Representation> {
    const { tree, names, cacheControl } = place;
    if (query.has('vtd')) return await this.#vtd(place, query, signal);
    if (query.has('log') && place.archive !== undefined) return await this.#versions(place, signal);
    if (entry.dirent.kind !== 'file') throw new TypeError(`file: a ${entry.dirent.kind} has no content`);
    const { block } = entry.dirent;
    if (query.has('blocks') && block.span <= MAX_MAPPED_SIZE) {
      const [stats, map] = await this.#walking(signal, async () => [
        await blockTreeStats(tree.store, block, { signal }),
        await blockMap(tree.store, block, signal),
      ]);
      return page(madeEtag('blocks', PAGE_VERSION, formatDirent(entry.dirent), whereOf(place)), () => blocksPage(place, stats, map));
    }
    const named = { ...entry, name: names.at(-1) ?? entry.name };
    const content = await fileContent(tree.store, named, { download: query.has('download'), cacheControl }, signal);
    if (!query.has('view')) return content;
    const text = /^text\/|^application\/(?:json|javascript|xml)/.test(content.contentType)
      ? await readText(tree.store, block, entry.size, signal)
      : undefined;
    const view = { ...place, entry: named, contentType: content.contentType, text, blockref: formatBlock(block) };
    return page(madeEtag('view', PAGE_VERSION, formatDirent(entry.dirent), String(entry.nlink), whereOf(place)), () => filePage(view));
  }

  /** The states of an archive. @param base - the URL path of its newest, without a slash at its end */
  async history(name: string, base: string, signal: AbortSignal): Promise<Representation> {
    const entries: ArchiveEntry[] = [];
    for await (const entry of newestFirst(this.#trees.archive(name), { signal })) {
      if (entries.length > MAX_STATES) break;
      entries.push(entry);
    }
    const shown = entries.slice(0, MAX_STATES);
    return page(madeEtag('log', PAGE_VERSION, name, String(entries[0]?.number), String(entries[0]?.whenNs)), () =>
      historyPage(name, base, shown, entries.length <= MAX_STATES),
    );
  }

  async #vtd({ tree, names, title, cacheControl }: Place, query: Query, signal: AbortSignal): Promise<Representation> {
    const node = await tree.dirent(pathOf(names), { signal });
    const name = names.at(-1) ?? octetsFromText(title);
    return await this.#walking(signal, async () => await vtdView(tree.store, node, name, query, cacheControl, signal));
  }

  async #search(place: Place, text: string, signal: AbortSignal): Promise<Representation> {
    const { tree, names } = place;
    const dirent = await tree.dirent(pathOf(names), { signal });
    if (dirent.kind !== 'dir') throw new TypeError(`search: a ${dirent.kind} has no entries`);
    const etag = madeEtag('search', PAGE_VERSION, formatDirent(dirent), text, whereOf(place));
    const result = await this.#walking(signal, async () => await search(tree, dirent, text, signal));
    return page(etag, () => searchPage(place, text, result));
  }

  async #changes(place: Place, since: string, signal: AbortSignal): Promise<Representation> {
    const { tree, names, archive = '' } = place;
    const earlier = await this.#trees.state(archive, since, this.#now(), { signal });
    const path = pathOf(names);
    const [before, after] = [await direntAt(earlier.tree, path, signal), await direntAt(tree, path, signal)];
    const lookup = async (which: 'before' | 'after', name: typeof path): Promise<NodeDirent | undefined> =>
      (await (which === 'before' ? earlier.tree : tree).lookup(joinPath(path, name), { signal, follow: false }))?.dirent;
    const found = await this.#walking(
      signal,
      async () => await treeChanges(tree.store, before, after, async (which, name) => await lookup(which, name as typeof path), signal),
    );
    const below = names.length === 0 ? '' : `${urlPath(names.join('/') as typeof path)}/`;
    const sinceBase = `/archive/${encodeURIComponent(archive)}@${encodeURIComponent(since)}/${below}`;
    const text = (dirent: NodeDirent | undefined): string => (dirent === undefined ? '' : formatDirent(dirent));
    const etag = madeEtag('diff', PAGE_VERSION, text(before), text(after), since, whereOf(place));
    return page(etag, () => changesPage({ ...place, since, sinceBase, changes: found.names, isWhole: found.isWhole }));
  }

  async #versions(place: Place, signal: AbortSignal): Promise<Representation> {
    const { tree, names, archive = '' } = place;
    const entries: ArchiveEntry[] = [];
    for await (const entry of newestFirst(this.#trees.archive(archive), { signal })) {
      if (entries.length > MAX_STATES) break;
      entries.push(entry);
    }
    const path = pathOf(names);
    const versions = await this.#walking(signal, async () => {
      const found = [];
      for await (const version of pathHistory(tree.store, entries.slice(0, MAX_STATES), path, { signal })) found.push(version);
      return found;
    });
    const etag = madeEtag('versions', PAGE_VERSION, String(entries[0]?.number), String(entries[0]?.whenNs), whereOf(place));
    const base = `/archive/${encodeURIComponent(archive)}`;
    return page(etag, () => versionsPage(place, base, versions, entries.length <= MAX_STATES));
  }

  /** What is known after a walk over all below, which may have no end. */
  async #walking<T>(signal: AbortSignal, walk: () => Promise<T>): Promise<T> {
    if (!this.#walks.tryEnter(0)) await this.#walks.enter(0, signal);
    try {
      return await walk();
    } finally {
      this.#walks.leave(0);
    }
  }
}

async function direntAt(tree: Tree, path: ReturnType<typeof pathOf>, signal: AbortSignal): Promise<NodeDirent | undefined> {
  return (await tree.lookup(path, { signal })) === undefined ? undefined : await tree.dirent(path, { signal });
}

/** What the links of a page are made of. */
function whereOf({ title, base, names }: Place): string {
  return [title, base, names.join('/')].join('\0');
}

/** A page may look otherwise after an update of the program, whatever it shows. */
const PAGE_HEADERS = { 'cache-control': REVALIDATED, 'content-security-policy': PAGE_POLICY };

function page(etag: string, pieces: () => Iterable<Html>): Representation {
  return {
    etag,
    contentType: 'text/html; charset=utf-8',
    size: undefined,
    headers: PAGE_HEADERS,
    read: () => encoded(pieces()),
  };
}
