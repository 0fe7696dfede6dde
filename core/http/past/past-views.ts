import type { ArchiveEntry } from '../../archive/archive.ts';
import { newestFirst } from '../../archive/newest-first.ts';
import { ParseError, VtError } from '../../base/errors.ts';
import { octetsFromText } from '../../base/octets.ts';
import { formatBlock } from '../../block/block-text.ts';
import { formatDirent } from '../../dirent/dirent-text.ts';
import { parseReference } from '../../dirent/reference.ts';
import type { PathState } from '../../history/path-history.ts';
import { pathHistory } from '../../history/path-history.ts';
import type { Store } from '../../store/store.ts';
import type { NodeDirent } from '../../tree/diff/diff.ts';
import { hunksOf } from '../../tree/diff/unified.ts';
import { pathOf } from '../../tree/path.ts';
import { direntOfReference } from '../../tree/reference-dirent.ts';
import type { Tree, TreeEntry } from '../../tree/tree.ts';
import { madeEtag, urlPath } from '../headers.ts';
import { changesPage, sinceText } from '../page/changes-page.ts';
import { historyPage } from '../page/history-page.ts';
import { PAGE_VERSION } from '../page/page.ts';
import { pageView } from '../page/page-view.ts';
import { textChangesPage } from '../page/text-changes-page.ts';
import { versionsPage } from '../page/versions-page.ts';
import type { Place } from '../place.ts';
import { whereOf } from '../place.ts';
import { readText } from '../read-text.ts';
import type { Representation } from '../representation.ts';
import type { WebTrees } from '../web-tree.ts';
import type { Past } from './past.ts';
import { pastState } from './past.ts';
import { treeChanges } from './tree-changes.ts';

/** States that a history shows, and that are searched for versions of a path, at most. */
const MAX_STATES = 1000;

/** The start of references; names of states never begin like this. */
const REFERENCE = /^(?:[A-Za-z]{1,2}\{|x-vt:)/;

/** Pages about earlier states of a tree, and comparisons with other trees. */
export class PastViews {
  readonly #trees: WebTrees;
  readonly #now: () => Date;

  constructor(trees: WebTrees, now: () => Date) {
    this.#trees = trees;
    this.#now = now;
  }

  /** The history of an archive, or of a part of it. */
  async history({ title, past }: Place & { readonly past: Past }, signal: AbortSignal): Promise<Representation> {
    const { entries, isWhole } = await newestOf(past, signal);
    // Notes are included, since marks of a state may change.
    const told = entries.map(({ number, whenNs, notes }) => `${number} ${whenNs} ${[...(notes ?? [])].join(' ')}`);
    const etag = madeEtag('log', PAGE_VERSION, title, past.base, told.join('\0'));
    return pageView(etag, () => historyPage(title, past.base, entries, isWhole));
  }

  /** The versions of a path in the history. */
  async versions(place: Place & { readonly past: Past }, signal: AbortSignal): Promise<Representation> {
    const { names, past } = place;
    const { entries, isWhole } = await newestOf(past, signal);
    const versions: PathState[] = [];
    for await (const version of pathHistory(past.store, entries, pathOf(names), { signal })) versions.push(version);
    const etag = madeEtag('versions', PAGE_VERSION, String(entries[0]?.number), String(entries[0]?.whenNs), whereOf(place));
    return pageView(etag, () => versionsPage(place, past.base, versions, isWhole));
  }

  /** What differs in a Dir from what it was in a state, or from what another tree has there. */
  async changes(place: Place, given: string, signal: AbortSignal): Promise<Representation> {
    const { tree, names } = place;
    const since = stateOf(given);
    const earlier = await this.#earlier(place, since, signal);
    const found = await treeChanges(earlier.tree, tree, pathOf(names), signal);
    const below = names.length === 0 ? '' : `${urlPath(names.join('/') as (typeof names)[0])}/`;
    const text = (dirent: NodeDirent | undefined): string => (dirent === undefined ? '' : formatDirent(dirent));
    const etag = madeEtag('diff', PAGE_VERSION, text(found.before), text(found.after), since, whereOf(place));
    return pageView(etag, () => changesPage({ ...place, since, sinceBase: earlier.base + below, ...found, changes: found.names, names }));
  }

  /** What differs in a file from what it was, by its lines. */
  async fileChanges(place: Place, given: string, signal: AbortSignal): Promise<Representation> {
    const { tree, names } = place;
    const since = stateOf(given);
    const path = pathOf(names);
    const earlier = await this.#earlier(place, since, signal);
    const [before, after] = [await earlier.tree.lookup(path, { signal }), await tree.lookup(path, { signal })];
    const sides = [await linesOf(earlier.tree, before, signal), await linesOf(tree, after, signal)];
    const [old, now] = sides;
    const view = {
      ...place,
      sinceText: sinceText(since),
      before: before && earlier.base + urlPath(names.join('/') as (typeof names)[0]),
      hunks: old === undefined || now === undefined ? undefined : hunksOf(old, now),
    };
    const blockOf = (side: TreeEntry | undefined): string => (side?.dirent.kind === 'file' ? formatBlock(side.dirent.block) : '');
    return pageView(madeEtag('lines', PAGE_VERSION, blockOf(before), blockOf(after), since, whereOf(place)), () => textChangesPage(view));
  }

  /** The other tree of a comparison, and the URL path of its root. */
  async #earlier({ past, opensReferences }: Place, since: string, signal: AbortSignal): Promise<{ tree: Tree; base: string }> {
    if (REFERENCE.test(since)) {
      if (!opensReferences) throw new VtError('EOPEN', `compare with "${since}": this link is for one tree`);
      const root = await treeOf(this.#trees.store, since, signal);
      return { tree: this.#trees.tree(root).tree, base: `/d/${encodeURIComponent(formatDirent(root))}/` };
    }
    if (past === undefined) throw new ParseError(`compare with "${since}": this tree has no states; give a Dirref`, 0);
    const { tree } = await pastState(past, since, this.#now(), { signal });
    return { tree, base: `${past.base}@${encodeURIComponent(since)}/` };
  }
}

/** A state as people type it: pages and the shell write an @ before it. */
function stateOf(text: string): string {
  return text.trim().replace(/^@/, '');
}

async function treeOf(store: Store, text: string, signal: AbortSignal): Promise<Extract<NodeDirent, { kind: 'dir' }>> {
  const reference = parseReference(octetsFromText(text));
  const meant = reference.kind === 'uri' ? { ...reference, uri: { ...reference.uri, isDir: true } } : reference;
  const root = await direntOfReference(store, meant, { asDir: true, signal });
  if (root.kind !== 'dir') throw new ParseError(`compare with "${text}": it is no Dir`, 0);
  return root;
}

/** The bytes of a text file for a comparison by lines; undefined if it is not text. */
async function linesOf(tree: Tree, entry: TreeEntry | undefined, signal: AbortSignal): Promise<Uint8Array | undefined> {
  if (entry?.dirent.kind !== 'file') return Buffer.alloc(0);
  const text = await readText(tree.store, entry.dirent.block, entry.size, signal);
  return text?.isWhole === true ? Buffer.from(text.shown) : undefined;
}

async function newestOf(
  { archive }: Past,
  signal: AbortSignal,
): Promise<{ readonly entries: readonly ArchiveEntry[]; readonly isWhole: boolean }> {
  const entries: ArchiveEntry[] = [];
  for await (const entry of newestFirst(archive, { signal })) {
    if (entries.length > MAX_STATES) break;
    entries.push(entry);
  }
  return { entries: entries.slice(0, MAX_STATES), isWhole: entries.length <= MAX_STATES };
}
