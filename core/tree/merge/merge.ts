import { throwIfCancelled } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { compareOctets } from '../../base/octets.ts';
import type { Block } from '../../block/block.ts';
import { EMPTY_BLOCK } from '../../block/block.ts';
import { PendingBlocks } from '../../block/block-sink.ts';
import { storeDir } from '../../dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../dirent/dirent.ts';
import { sameDirent } from '../../dirent/dirent-compare.ts';
import type { Meta } from '../../dirent/meta.ts';
import type { Store } from '../../store/store.ts';
import { DirReader } from '../dir-reader.ts';
import { linksWithin } from '../live/live-node.ts';
import { withoutSingles } from '../live/without-singles.ts';
import type { TreePath } from '../path.ts';
import { baseName, isWithin, joinPath, parentPath, ROOT_PATH } from '../path.ts';
import { mergeMeta } from './merge-meta.ts';
import type { Chosen, MergeChoice, MergeConflict, MergeOptions, MergeResult, OnlyOne } from './merge-result.ts';
import type { Rejoined } from './merge-singles.ts';
import { rejoinSingles } from './merge-singles.ts';
import type { SideTables } from './merge-table.ts';
import { countNames, mergeTables, mixedNodes, readTable } from './merge-table.ts';
import { mergeLeaves, neitherOf, theirsName } from './merge-values.ts';
import type { OpenMerge } from './open-merge.ts';
import { hasConflicts, isFurtherOut, noteName, sidesAbove, takeConflict } from './open-merge.ts';

/**
 * Merges two states of a tree with a common past. A change of one side is taken; Dirs are merged entry by entry, files'
 * metadata field by field. If both changed the same thing and nobody chooses, ours keeps the name and theirs is put beside it as
 * `name.theirs-20261122T161701Z`. A change takes precedence over a removal. Dirs that only one side changed are not read.
 *
 * @param base - the common past; undefined for none: then differences are conflicts, and entries that one side lacks are kept and reported
 */
export async function mergeDirents(
  store: Store,
  base: DirDirent | undefined,
  ours: DirDirent,
  theirs: DirDirent,
  options: MergeOptions,
): Promise<MergeResult> {
  const merge = new Merge(store, options);
  const dirent = await merge.dirs({ path: ROOT_PATH, base, ours, theirs, parent: undefined });
  if (dirent === undefined) throw new Error('merge: the hard links of a root are mixed with those above it');
  await merge.finish();
  return { dirent: { ...dirent, name: ours.name }, conflicts: merge.conflicts, onlyOne: merge.onlyOne };
}

interface MergeDirs {
  readonly path: TreePath;
  readonly base: DirDirent | undefined;
  readonly ours: DirDirent;
  readonly theirs: DirDirent;
  /** The merge of the Dir above. */
  readonly parent: OpenMerge | undefined;
}

class Merge {
  readonly conflicts: MergeConflict[] = [];
  readonly onlyOne: OnlyOne[] = [];
  #isUnrelated = false;
  readonly #store: Store;
  readonly #reader: DirReader;
  readonly #pending: PendingBlocks;
  readonly #options: MergeOptions;
  readonly #rejoined: Rejoined = new Map([
    ['ours', new Map()],
    ['theirs', new Map()],
  ]);

  constructor(store: Store, options: MergeOptions) {
    this.#store = store;
    this.#reader = new DirReader(store);
    this.#pending = new PendingBlocks(store.hashName);
    this.#options = options;
  }

  async finish(): Promise<void> {
    await this.#pending.flushTo(this.#store, this.#options);
  }

  /** Undefined if the hard links of both sides cannot be in one Dir; then the two whole Dirs are a conflict. */
  // Recursive, but each level awaits a Block before the next, so depth uses no stack.
  async dirs(dirs: MergeDirs): Promise<DirDirent | undefined> {
    throwIfCancelled(this.#options.signal);
    const { path, base, ours, theirs, parent } = dirs;
    if (parent === undefined) this.#isUnrelated = base === undefined;
    // A file that both changed must be found under a name, to be kept there.
    if ((!hasConflicts(parent) || linksWithin(ours) + linksWithin(theirs) === 0) && !this.#hasRejoined(path)) {
      if (sameDirent(ours, theirs) || sameDirent(base, theirs)) return ours;
      if (sameDirent(base, ours)) return theirs;
    }
    const sides: SideTables = {
      base: base && (await readTable(this.#reader, base.inodes, this.#options)),
      ours: await readTable(this.#reader, ours.inodes, this.#options),
      theirs: await readTable(this.#reader, theirs.inodes, this.#options),
    };
    if (await this.#mixes(dirs, sides)) return undefined;
    await rejoinSingles(this.#reader, dirs, sides, this.#rejoined, this.#options);
    const open: OpenMerge = { sides, table: mergeTables(sides), parent };
    const entries = await this.#entries(path, dirs, open);
    const salt = sameSalt(base?.salt, ours.salt) ? theirs.salt : ours.salt;
    const block = storeDir(this.#pending, entries, { salt });
    const links = entries.reduce((sum, entry) => sum + (entry.kind === 'indirect' ? 1 : entry.kind === 'dir' ? linksWithin(entry) : 0), 0);
    const { inodes: _inodes, links: _links, salt: _salt, ...rest } = ours;
    const merged: DirDirent = {
      ...rest,
      meta: this.#meta(path, base, ours, theirs),
      block,
      ...(links === 0 ? {} : { links }),
      ...(salt === undefined ? {} : { salt }),
    };
    if (open.table.spare.size === 0) return merged;
    await this.#pending.flushTo(this.#store, this.#options);
    const counts = await countNames(this.#reader, merged, this.#options);
    const inodes = this.#table(merged, open, counts);
    const saved = this.#saveNameless(path, open, counts, new Set(entries.map(({ name }) => name)));
    const all = saved.length === 0 ? merged : { ...merged, block: storeDir(this.#pending, sortedByName([...entries, ...saved]), { salt }) };
    if (inodes === undefined) return all;
    await this.#pending.flushTo(this.#store, this.#options);
    return await withoutSingles(this.#store, { ...all, inodes }, this.#options);
  }

  /** Whether names of hard links in a Dir refer to nodes further out in one state, but to the Dir's own table in another. */
  async #mixes(dirs: MergeDirs, sides: SideTables): Promise<boolean> {
    for (const [side, uuids] of mixedNodes(sides, sidesAbove(dirs.parent))) {
      const dir = dirs[side];
      if (dir === undefined || uuids.length === 0) continue;
      const names = await countNames(this.#reader, dir, this.#options);
      if (uuids.some((uuid) => names.has(uuid))) return true;
    }
    return false;
  }

  async #entries(path: TreePath, dirs: MergeDirs, open: OpenMerge): Promise<Dirent[]> {
    const listings = [dirs.base, dirs.ours, dirs.theirs].map((dir) => this.#listing(dir));
    const [before = new Map(), mine = new Map(), other = new Map()]: Map<Octets, Dirent>[] = await Promise.all(listings);
    this.#rejoin(path, 'ours', mine);
    this.#rejoin(path, 'theirs', other);
    const merged = new Map<Octets, Dirent>();
    const isTaken = (name: Octets): boolean => mine.has(name) || other.has(name) || merged.has(name);
    const keepTheirs = (name: Octets, dirent: Dirent): void => {
      const kept = theirsName(name, this.#options.now, isTaken);
      merged.set(kept, { ...dirent, name: kept });
      this.conflicts.push({ path: joinPath(path, name), kind: 'both-changed', theirsAt: joinPath(path, kept) });
    };
    for (const name of [...new Set([...before.keys(), ...mine.keys(), ...other.keys()])].sort(compareOctets)) {
      const at = { path: joinPath(path, name), base: before.get(name), ours: mine.get(name), theirs: other.get(name) };
      noteName(open, at.base);
      const { dirent, theirs } = await this.#entry(at, open);
      if (dirent !== undefined) merged.set(name, dirent);
      if (theirs !== undefined) keepTheirs(name, theirs);
      if (dirent?.kind !== 'indirect') continue;
      this.#tellNode(joinPath(path, name), open, dirent.uuid);
      const found = takeConflict(open, dirent.uuid);
      if (found === undefined) continue;
      const took = this.#choose({ path: joinPath(path, name), ours: found.table.nodes.get(dirent.uuid), theirs: found.node });
      if (took === 'both') keepTheirs(name, withoutLinks(found.node));
      else if (took === 'neither') found.table.nodes.set(dirent.uuid, neitherOf(found.node.name));
      else this.conflicts.push({ path: joinPath(path, name), kind: 'both-changed', took });
      if (took === 'theirs') found.table.nodes.set(dirent.uuid, found.node);
    }
    return sortedByName([...merged.values()]);
  }

  /** Merges the entries of a name; returns the result, and their version if it has to be put beside. */
  async #entry(
    at: {
      readonly path: TreePath;
      readonly base: Dirent | undefined;
      readonly ours: Dirent | undefined;
      readonly theirs: Dirent | undefined;
    },
    open: OpenMerge,
  ): Promise<{ readonly dirent: Dirent | undefined; readonly theirs?: Dirent }> {
    const { path, base, ours, theirs } = at;
    if (ours?.kind === 'dir' && theirs?.kind === 'dir') {
      const dirent = await this.dirs({ path, base: dirOf(base), ours, theirs, parent: open });
      if (dirent !== undefined) return { dirent };
    }
    if (base === undefined && this.#isUnrelated && (ours === undefined || theirs === undefined))
      this.onlyOne.push({ path, side: theirs === undefined ? 'ours' : 'theirs' });
    if (sameDirent(ours, theirs) || sameDirent(base, theirs)) return { dirent: ours };
    if (sameDirent(base, ours)) return { dirent: theirs };
    if (base?.kind === 'dir' && (ours ?? theirs)?.kind === 'dir' && (ours === undefined || theirs === undefined)) {
      const dirent = await this.#removed(path, base, dirOf(ours), dirOf(theirs), open);
      if (dirent !== 'mixed') return { dirent };
    }
    if (ours === undefined || theirs === undefined) {
      const kind = ours === undefined ? 'removed-by-us' : 'removed-by-them';
      const took = this.#choose({ path, ours, theirs });
      if (took === 'neither') return { dirent: neitherOf(baseName(path)) };
      this.conflicts.push({ path, kind, ...(took === 'both' ? {} : { took }) });
      return { dirent: took === 'both' ? (ours ?? theirs) : took === 'ours' ? ours : theirs };
    }
    const leaf = ours.kind === 'dir' || theirs.kind === 'dir' ? undefined : mergeLeaves(base, ours, theirs);
    if (leaf !== undefined) return { dirent: { ...leaf.node, meta: this.#meta(path, base, ours, theirs) } };
    const took = this.#choose({ path, ours, theirs });
    if (took === 'both') return { dirent: ours, theirs };
    if (took === 'neither') return { dirent: neitherOf(ours.name) };
    this.conflicts.push({ path, kind: 'both-changed', took });
    return { dirent: took === 'ours' ? ours : theirs };
  }

  /** Turns entries that are treated as hard links back into names of nodes. */
  #rejoin(path: TreePath, side: 'ours' | 'theirs', listing: Map<Octets, Dirent>): void {
    for (const [at, uuid] of this.#rejoined.get(side) ?? []) {
      const name = baseName(at);
      if (parentPath(at) === path && listing.has(name)) listing.set(name, { kind: 'indirect', name, uuid, meta: {} });
    }
  }

  #hasRejoined(path: TreePath): boolean {
    return [...this.#rejoined.values()].some((names) => [...names.keys()].some((at) => isWithin(path, at)));
  }

  /** Merges a Dir that one side removed and the other changed, name by name, so that unchanged entries are removed. */
  async #removed(
    path: TreePath,
    base: DirDirent,
    ours: DirDirent | undefined,
    theirs: DirDirent | undefined,
    open: OpenMerge,
  ): Promise<DirDirent | undefined | 'mixed'> {
    const { inodes: _inodes, links: _links, ...rest } = base;
    const gone: DirDirent = { ...rest, block: EMPTY_BLOCK };
    const dirent = await this.dirs({ path, base, ours: ours ?? gone, theirs: theirs ?? gone, parent: open });
    if (dirent === undefined) return 'mixed';
    return dirent.block.span === 0 ? undefined : dirent;
  }

  /** Merges the metadata of an entry, and reports fields that both changed. */
  #meta(path: TreePath, base: Dirent | undefined, ours: Dirent, theirs: Dirent): Meta {
    const { meta, clashes } = mergeMeta(base?.meta, ours.meta, theirs.meta);
    if (clashes.length === 0) return meta;
    const took = this.#choose({ path, ours, theirs });
    const isSide = took === 'ours' || took === 'theirs';
    const chosen = isSide ? mergeMeta(base?.meta, ours.meta, theirs.meta, took) : { meta, clashes };
    this.conflicts.push({ path, kind: 'metadata', clashes: chosen.clashes, ...(isSide ? { took } : {}) });
    return chosen.meta;
  }

  /** Reports metadata of a hard-linked node that both changed, at the first of its names. */
  #tellNode(path: TreePath, open: OpenMerge, uuid: string): void {
    for (let at: OpenMerge | undefined = open; at !== undefined; at = at.parent) {
      const node = at.table.nodes.get(uuid);
      const clash = at.table.clashes.get(uuid);
      at.table.clashes.delete(uuid);
      if (node !== undefined && clash !== undefined)
        at.table.nodes.set(uuid, { ...node, meta: this.#meta(path, clash.base, clash.ours, clash.theirs) });
      if (node !== undefined) return;
    }
  }

  #choose(choice: MergeChoice): Chosen {
    return this.#options.choose?.(choice) ?? 'both';
  }

  async #listing(dir: DirDirent | undefined): Promise<Map<Octets, Dirent>> {
    const entries = new Map<Octets, Dirent>();
    if (dir === undefined) return entries;
    for await (const entry of this.#reader.entries(dir.block, this.#options)) entries.set(entry.name, entry);
    return entries;
  }

  /** Stores a merged table: the nodes that have names, and their numbers of names. */
  #table(dir: DirDirent, open: OpenMerge, counts: ReadonlyMap<string, number>): Block | undefined {
    const { nodes, spare } = open.table;
    const named: Dirent[] = [];
    for (const [uuid, nlink] of counts) {
      const node = nodes.get(uuid) ?? (isFurtherOut(open.parent, uuid) ? undefined : spare.get(uuid));
      if (node !== undefined) named.push({ ...node, name: uuid as Octets, uuid, nlink });
    }
    return named.length === 0 ? undefined : storeDir(this.#pending, sortedByName(named), { salt: dir.salt });
  }

  /**
   * Saves hard-linked files without a name as ordinary files in the Dir of their table. Those are files that one side changed while
   * the other removed all names, and their versions of files that both changed, if the merge has seen no name.
   */
  #saveNameless(path: TreePath, open: OpenMerge, counts: ReadonlyMap<string, number>, taken: Set<Octets>): Dirent[] {
    const { changed, conflicts, names } = open.table;
    const saved: Dirent[] = [];
    const save = (uuid: string, node: Dirent, kind: MergeConflict['kind']): void => {
      const name = names.get(uuid) ?? (uuid as Octets);
      const kept = theirsName(name, this.#options.now, (candidate) => taken.has(candidate));
      taken.add(kept);
      saved.push({ ...withoutLinks(node), name: kept });
      this.conflicts.push({ path: joinPath(path, name), kind, theirsAt: joinPath(path, kept) });
    };
    for (const { uuid, node, by } of changed) {
      if (!counts.has(uuid)) save(uuid, node, by === 'us' ? 'removed-by-them' : 'removed-by-us');
    }
    for (const [uuid, node] of conflicts) if (counts.has(uuid)) save(uuid, node, 'both-changed');
    conflicts.clear();
    return saved;
  }
}

function dirOf(dirent: Dirent | undefined): DirDirent | undefined {
  return dirent?.kind === 'dir' ? dirent : undefined;
}

function sortedByName(dirents: readonly Dirent[]): Dirent[] {
  return [...dirents].sort((a, b) => compareOctets(a.name, b.name));
}

function withoutLinks(node: Dirent): Dirent {
  if (node.kind === 'indirect') return node;
  const { uuid: _uuid, nlink: _nlink, ...rest } = node;
  return rest;
}

function sameSalt(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}
