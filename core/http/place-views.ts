import { octetsFromText } from '../base/octets.ts';
import { formatBlock } from '../block/block-text.ts';
import { blockTreeStats } from '../block/tree-stats.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { pathOf } from '../tree/path.ts';
import type { TreeEntry } from '../tree/tree.ts';
import { RequestGate } from '../wire/request-gate.ts';
import { blockMap } from './block-map.ts';
import { checksumsView } from './checksums.ts';
import type { DirFormat } from './dir-view.ts';
import { dirView } from './dir-view.ts';
import { fileContent } from './file-content.ts';
import { madeEtag } from './headers.ts';
import { packState, tarView, zipView } from './pack/packed-view.ts';
import { blocksPage } from './page/blocks-page.ts';
import { filePage } from './page/file-page.ts';
import { highlighterOf } from './page/highlighter.ts';
import { languageOf } from './page/languages.ts';
import { PAGE_VERSION, pagePolicy } from './page/page.ts';
import { PAGE_HEADERS, pageView } from './page/page-view.ts';
import { searchPage } from './page/search-page.ts';
import { PastViews } from './past/past-views.ts';
import { isPicture, neighboursOf, picturesView, thumbnailView } from './picture/picture-views.ts';
import type { Place } from './place.ts';
import { whereOf } from './place.ts';
import { readText } from './read-text.ts';
import type { Representation } from './representation.ts';
import { search } from './search.ts';
import { vtdView } from './vtd/vtd-view.ts';
import type { WebTrees } from './web-tree.ts';

/** Concurrent walks over trees: each takes its share of the memory for all requests. */
const MAX_WALKS = 4;
/** Contents hashed at a time. */
const MAX_HASHED = 2;

/** Characters of a text that gets colours: a browser takes a second for a million. */
const MAX_COLOURED = 128 * 1024;

/** Bytes of a content whose Blocks are drawn, at most. */
const MAX_MAPPED_SIZE = 4 * 1024 * 1024 * 1024;

/** The query of a URL. */
export type Query = ReadonlyMap<string, string>;

/** The answers for a Dir or file, chosen by the query of its URL. */
export class PlaceViews {
  readonly #past: PastViews;
  readonly #packs = packState();
  readonly #walks = new RequestGate(MAX_WALKS, 0);
  readonly #hashing = new RequestGate(MAX_HASHED, 0);

  constructor(trees: WebTrees, now: () => Date) {
    this.#past = new PastViews(trees, now);
  }

  /** The answer for a Dir. */
  async dir(place: Place, entry: TreeEntry, query: Query, signal: AbortSignal): Promise<Representation> {
    if (query.has('vtd')) return await this.#vtd(place, query, signal);
    if (query.has('tar')) return await within(this.#walks, signal, async () => await tarView(place, this.#packs, signal));
    if (query.has('zip')) return await within(this.#walks, signal, async () => await zipView(place, this.#packs, signal));
    if (query.has('sha256')) return await this.#checksums(place, signal);
    if (query.has('pictures')) return await within(this.#walks, signal, async () => await picturesView(place, signal));
    const text = query.get('q') ?? '';
    if (text !== '') return await this.#search(place, text, signal);
    const since = query.get('diff') ?? '';
    if (since !== '') return await within(this.#walks, signal, async () => await this.#past.changes(place, since, signal));
    if (query.has('log') && place.past !== undefined) return await this.#log(place, place.past, signal);
    const format: DirFormat = query.has('json') ? 'json' : query.has('simple') ? 'simple' : 'page';
    return await dirView(place, entry, format, signal);
  }

  /** The answer for a file. */
  async file(place: Place, entry: TreeEntry, query: Query, signal: AbortSignal): Promise<Representation | undefined> {
    const { tree, names, cacheControl } = place;
    if (query.has('vtd')) return await this.#vtd(place, query, signal);
    if (query.has('sha256')) return await this.#checksums(place, signal);
    if (query.has('log') && place.past !== undefined) return await this.#log(place, place.past, signal);
    const since = query.get('diff') ?? '';
    if (since !== '') return await within(this.#walks, signal, async () => await this.#past.fileChanges(place, since, signal));
    if (entry.dirent.kind !== 'file') throw new TypeError(`file: a ${entry.dirent.kind} has no content`);
    if (query.has('blocks') && entry.dirent.block.span <= MAX_MAPPED_SIZE) return await this.#blocks(place, entry, signal);
    const named = { ...entry, name: names.at(-1) ?? entry.name };
    const content = await fileContent(tree.store, named, { download: query.has('download'), cacheControl }, signal);
    if (query.has('thumbnail')) return await thumbnailView(place, named, content, signal);
    if (!query.has('view')) return content;
    return await this.#file(place, named, content.contentType, query.get('view') === 'source', signal);
  }

  async #file(place: Place, entry: TreeEntry, contentType: string, isSource: boolean, signal: AbortSignal): Promise<Representation> {
    const { dirent, name, size, nlink } = entry;
    if (dirent.kind !== 'file') throw new TypeError(`file: a ${dirent.kind} has no content`);
    const text = !/^(?:image|audio|video)\/|^application\/pdf/.test(contentType)
      ? await readText(place.tree.store, dirent.block, size, signal)
      : undefined;
    const beside = isPicture(entry) ? await within(this.#walks, signal, async () => await neighboursOf(place, name, signal)) : undefined;
    const language = text !== undefined && text.shown.length <= MAX_COLOURED ? languageOf(name) : undefined;
    const highlighter = language === undefined ? undefined : highlighterOf(language);
    const view = { ...place, entry, contentType, text, isSource, highlighter, blockref: formatBlock(dirent.block), ...beside };
    const etag = madeEtag(
      'view',
      PAGE_VERSION,
      formatDirent(dirent),
      String(nlink),
      String(isSource),
      beside?.before ?? '',
      beside?.after ?? '',
      whereOf(place),
    );
    const headers = { ...PAGE_HEADERS, 'content-security-policy': pagePolicy(highlighter?.integrity) };
    return { ...pageView(etag, () => filePage(view)), headers };
  }

  async #blocks(place: Place, { dirent }: TreeEntry, signal: AbortSignal): Promise<Representation> {
    if (dirent.kind !== 'file') throw new TypeError(`blocks: a ${dirent.kind} has no content`);
    const { store } = place.tree;
    const [stats, map] = await within(this.#walks, signal, async () => [
      await blockTreeStats(store, dirent.block, { signal }),
      await blockMap(store, dirent.block, signal),
    ]);
    return pageView(madeEtag('blocks', PAGE_VERSION, formatDirent(dirent), whereOf(place)), () => blocksPage(place, stats, map));
  }

  async #log(place: Place, past: NonNullable<Place['past']>, signal: AbortSignal): Promise<Representation> {
    const looking = { ...place, past };
    return await within(this.#walks, signal, async () =>
      place.names.length === 0 ? await this.#past.history(looking, signal) : await this.#past.versions(looking, signal),
    );
  }

  /** Checksums are much work for a small answer: a client holds its turn until the end. */
  async #checksums(place: Place, signal: AbortSignal): Promise<Representation> {
    const made = await checksumsView(place, signal);
    const hashing = this.#hashing;
    return {
      ...made,
      async *read(range, aborted) {
        if (!hashing.tryEnter(0)) await hashing.enter(0, aborted);
        try {
          yield* made.read(range, aborted);
        } finally {
          hashing.leave(0);
        }
      },
    };
  }

  async #vtd({ tree, names, title, cacheControl }: Place, query: Query, signal: AbortSignal): Promise<Representation> {
    const node = await tree.dirent(pathOf(names), { signal });
    const name = names.at(-1) ?? octetsFromText(title);
    return await within(this.#walks, signal, async () => await vtdView(tree.store, node, name, query, cacheControl, signal));
  }

  async #search(place: Place, text: string, signal: AbortSignal): Promise<Representation> {
    const { tree, names } = place;
    const dirent = await tree.dirent(pathOf(names), { signal });
    if (dirent.kind !== 'dir') throw new TypeError(`search: a ${dirent.kind} has no entries`);
    const etag = madeEtag('search', PAGE_VERSION, formatDirent(dirent), text, whereOf(place));
    const result = await within(this.#walks, signal, async () => await search(tree, dirent, text, signal));
    return pageView(etag, () => searchPage(place, text, result));
  }
}

/** Runs long work when the gate has room. */
async function within<T>(gate: RequestGate, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (!gate.tryEnter(0)) await gate.enter(0, signal);
  try {
    return await work();
  } finally {
    gate.leave(0);
  }
}
