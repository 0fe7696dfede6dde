import { throwIfCancelled } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { compareOctets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { Block } from '../../block/block.ts';
import { PendingBlocks } from '../../block/block-sink.ts';
import { DirWriter } from '../../dirent/dir-codec.ts';
import type { DirChange } from '../../dirent/dir-update.ts';
import { isUpdatable, updateDir } from '../../dirent/dir-update.ts';
import type { DirDirent, Dirent } from '../../dirent/dirent.ts';
import type { DirReader } from '../dir-reader.ts';
import { entryId } from '../node-id.ts';
import type { InodeScope } from './inode-scope.ts';
import { linkDirent, tableDirent } from './inode-scope.ts';
import type { LeftOut, RulesWithin } from './left-out.ts';
import { isLeftOut, linksLeftOut, markPromoted } from './left-out.ts';
import type { HardLeaf, LeafDirent, LiveDir, LiveLeaf, RawEntry, UnsyncedContent } from './live-node.ts';
import { entriesOf, linksWithin } from './live-node.ts';
import type { LiveState } from './live-state.ts';
import { makeSingles } from './single-links.ts';

/** New Blocks are added to the Store when this many octets are collected. */
const FLUSH_SIZE = 4 * 1024 * 1024;

/** The results of writing a subtree. They become the state of its nodes once everything is in the Store. */
interface Written {
  readonly dirs: Map<LiveDir, DirDirent>;
  readonly settled: Map<LiveLeaf, LeafDirent>;
  /** Written inode tables, and for each node the number of its names that were left out. */
  readonly scopes: Map<InodeScope, ReadonlyMap<HardLeaf, number>>;
  /** For each Dir, the names that were left out. */
  readonly leftOut: Map<LiveDir, Set<Octets>>;
}

/** The parts of a live tree's state that storing uses. */
type StoredState = Pick<LiveState, 'store' | 'reader' | 'leftOut'>;

/**
 * Writes all stale Dirs in `top` and below, bottom up, and adds them to the Store without flushing. On success the nodes
 * are as stored, on failure as before. Depth uses no stack.
 */
export async function storeStale({ store, reader, leftOut }: StoredState, top: LiveDir, options: OpOptions = {}): Promise<void> {
  if (leftOut !== undefined && top.stale) markPromoted(leftOut, top);
  if (!top.stale) return;
  const pending = new PendingBlocks(store.hashName);
  const written: Written = { dirs: new Map(), settled: new Map(), scopes: new Map(), leftOut: new Map() };
  const rules = leftOut?.within(top);
  // If `top` itself is left out, its entries were requested: store them without rules.
  const ahead: Step[] = [{ dir: top, rules: rules === 'all' ? undefined : rules, below: false }];
  for (let step = ahead.at(-1); step !== undefined; step = ahead.at(-1)) {
    throwIfCancelled(options.signal);
    if (!step.below) {
      step.below = true;
      if (step.dir.scope?.changed === true) await makeSingles(reader, step.dir.scope, options);
      for (const entry of step.dir.overlay.values()) {
        if (entry.sort !== 'dir' || !entry.stale) continue;
        const within = leftOut?.enter(step.rules, entry);
        if (within !== 'all') ahead.push({ dir: entry, rules: within, below: false });
      }
      continue;
    }
    ahead.pop();
    written.dirs.set(step.dir, await writeDir({ reader, pending, written, leftOut: rules === 'all' ? undefined : leftOut, options }, step));
    if (pending.size >= FLUSH_SIZE) await pending.flushTo(store, options);
  }
  await pending.flushTo(store, options);
  commit(written);
}

/** A Dir to write, and its rules. */
interface Step {
  readonly dir: LiveDir;
  readonly rules: RulesWithin;
  below: boolean;
}

interface WriteContext {
  readonly leftOut: LeftOut | undefined;
  readonly reader: DirReader;
  readonly pending: PendingBlocks;
  readonly written: Written;
  readonly options: OpOptions;
}

async function writeDir(context: WriteContext, { dir, rules }: Step): Promise<DirDirent> {
  const { salt } = dir.dirent;
  const out = await namesLeftOut(context, dir, rules);
  const { block, links } = (await updatedEntries(context, dir, out)) ?? (await writtenEntries(context, dir, out));
  const { links: _links, inodes: _inodes, ...rest } = dir.dirent;
  const linksOut = await nodesLeftOut(context, dir);
  const inodes =
    dir.scope !== undefined && (dir.scope.changed || linksOut !== undefined)
      ? await writeTable(context, dir.scope, salt, linksOut)
      : dir.dirent.inodes;
  return { ...rest, block, ...(inodes === undefined ? {} : { inodes }), ...(links === 0 ? {} : { links }) };
}

/** The names in a Dir that are left out by rules. */
async function namesLeftOut({ reader, written, options }: WriteContext, dir: LiveDir, rules: RulesWithin): Promise<ReadonlySet<Octets>> {
  const names = new Set<Octets>();
  if (rules === undefined) return names;
  for (const [name, entry] of [...dir.overlay])
    if (entry.sort !== 'removed' && (await isLeftOut(reader, dir, rules, { name, entry }, options))) names.add(name);
  if (names.size > 0) written.leftOut.set(dir, names);
  return names;
}

/** The number of left-out names for the nodes in a Dir's table; undefined if rules do not affect the table. */
async function nodesLeftOut({ reader, leftOut, options }: WriteContext, dir: LiveDir): Promise<ReadonlyMap<HardLeaf, number> | undefined> {
  if (leftOut === undefined || (dir.scope?.loaded?.size ?? 0) === 0) return undefined;
  const counts = await linksLeftOut(reader, leftOut, dir, options);
  return counts.size > 0 || dir.scope?.hasLeftOut === true ? counts : undefined;
}

/** The Block with a Dir's entries, and the number of names of hard links in it and below. */
interface WrittenEntries {
  readonly block: Block;
  readonly links: number;
}

async function writtenEntries(context: WriteContext, dir: LiveDir, out: ReadonlySet<Octets>): Promise<WrittenEntries> {
  const writer = new DirWriter(context.pending, { salt: dir.dirent.salt });
  let links = 0;
  for await (const raw of entriesOf(context.reader, dir, context.options)) {
    if (out.has(raw.name)) continue;
    const dirent = await writtenDirent(context, raw);
    links += linksOf(dirent);
    writer.add(dirent);
  }
  return { block: writer.finish(), links };
}

/** As {@link writtenEntries}, for a large Dir with few changes: writes only changed leaves. Undefined if that is impossible. */
async function updatedEntries(context: WriteContext, dir: LiveDir, out: ReadonlySet<Octets>): Promise<WrittenEntries | undefined> {
  const { block, salt, inodes, links } = dir.dirent;
  // Names of hard links were not counted: all entries must be read.
  if (inodes !== undefined && links === undefined) return undefined;
  if (!isUpdatable(block, dir.overlay.size)) return undefined;
  const changes: DirChange[] = [];
  for (const [name, entry] of dir.overlay) {
    changes.push({ name, dirent: entry.sort === 'removed' || out.has(name) ? undefined : await writtenDirent(context, { name, entry }) });
  }
  changes.sort((a, b) => compareOctets(a.name, b.name));
  const { reader, pending, options } = context;
  const updated = await updateDir(reader.source, pending, block, changes, { salt, superblocks: reader.superblocks, ...options });
  if (updated === undefined) return undefined;
  let count = links ?? 0;
  for (const { dirent } of changes) if (dirent !== undefined) count += linksOf(dirent);
  for (const dirent of updated.replaced) count -= linksOf(dirent);
  return { block: updated.block, links: count };
}

/** Number of names of hard links in an entry: itself, or below it. */
function linksOf(dirent: Dirent): number {
  if (dirent.kind === 'indirect') return 1;
  return dirent.kind === 'dir' ? linksWithin(dirent) : 0;
}

async function writtenDirent(context: WriteContext, raw: RawEntry): Promise<Dirent> {
  const { name, entry } = raw;
  switch (entry.sort) {
    case 'link':
      return linkDirent(name, entry.uuid);
    case 'leaf':
      return { ...(await settledDirent(context, entry)), name };
    case 'dir':
      return { ...(context.written.dirs.get(entry) ?? entry.dirent), name };
    case 'stored':
      return entry.dirent;
  }
}

/** Settles a leaf's content if necessary, and returns its Dirent. */
async function settledDirent(context: WriteContext, leaf: LiveLeaf): Promise<LeafDirent> {
  if (leaf.unsynced === undefined || leaf.dirent.kind !== 'file') return leaf.dirent;
  const block = await leaf.unsynced.settle(context.options);
  // Settling may have set the time of the last write.
  const dirent = { ...leaf.dirent, block } as LeafDirent;
  context.written.settled.set(leaf, dirent);
  return dirent;
}

async function writeTable(
  context: WriteContext,
  scope: InodeScope,
  salt: Uint8Array | undefined,
  out: ReadonlyMap<HardLeaf, number> = new Map(),
): Promise<Block | undefined> {
  const nodes = [...(await scope.load(context.reader, context.options)).values()];
  nodes.sort((a, b) => compareOctets(a.hard.uuid as Octets, b.hard.uuid as Octets));
  const writer = new DirWriter(context.pending, { salt });
  let count = 0;
  for (const node of nodes) {
    const nlink = node.hard.nlink - (out.get(node) ?? 0);
    if (nlink <= 0) continue;
    count++;
    writer.add({ ...tableDirent(node), ...contentOf(await settledDirent(context, node)), nlink });
  }
  context.written.scopes.set(scope, out);
  return count === 0 ? undefined : writer.finish();
}

function contentOf(dirent: LeafDirent): { readonly block?: Block } {
  return dirent.kind === 'file' ? { block: dirent.block } : {};
}

function commit(written: Written): void {
  for (const [leaf, dirent] of written.settled) leaf.dirent = dirent;
  for (const [scope, out] of written.scopes) {
    scope.changed = false;
    scope.hasLeftOut = out.size > 0;
  }
  // In the order of writing: lower Dirs first.
  for (const [dir, dirent] of written.dirs) {
    dir.dirent = dirent;
    dir.stale = false;
    dir.unstored = written.leftOut.get(dir);
    forgetStored(dir);
  }
  // Contents that changed while they were settled must be written again.
  for (const dir of written.dirs.keys())
    if ([...dir.overlay].some(([name, entry]) => isUnsettled(entry) && dir.unstored?.has(name) !== true)) dir.markStale();
  for (const [scope, out] of written.scopes) {
    const isStored = (node: HardLeaf): boolean => node.hard.nlink > (out.get(node) ?? 0);
    if (![...(scope.loaded?.values() ?? [])].some((node) => isUnsettled(node) && isStored(node))) continue;
    scope.changed = true;
    scope.dir.markStale();
  }
}

/** Whether a leaf's content has changed since it was last settled. */
function isUnsettled(entry: { readonly sort: string; readonly unsynced?: UnsyncedContent | undefined }): boolean {
  return entry.unsynced?.isSettled === false;
}

/** Drops entries from an overlay that equal the stored ones, including their ids. */
function forgetStored(dir: LiveDir): void {
  for (const [name, entry] of dir.overlay) {
    if (dir.unstored?.has(name) === true) continue;
    if ((entry.sort === 'leaf' || entry.sort === 'dir') && (entry.holds ?? 0) > 0) continue;
    if (entry.sort === 'leaf' && (entry.unsynced !== undefined || entry.id !== entryId(dir.id, name))) continue;
    if (entry.sort === 'dir' && (entry.scope !== undefined || entry.overlay.size > 0 || entry.id !== entryId(dir.id, name))) continue;
    dir.overlay.delete(name);
  }
}
