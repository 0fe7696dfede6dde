import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { sameBlock } from '../../block/block.ts';
import { sameContent, sameMeta, sameOptionalBlock } from '../../dirent/dirent-compare.ts';
import type { DirFilter } from '../../filter/dir-filter.ts';
import type { NameFilter } from '../../filter/name-filter.ts';
import type { DirReader } from '../dir-reader.ts';
import { findNode } from './inode-scope.ts';
import { linksBelow } from './live-links.ts';
import type { HardLeaf, LiveDir, LiveLeaf, RawEntry } from './live-node.ts';
import { entriesOf } from './live-node.ts';

// Names of a live tree that rules exclude: they exist only in memory and are never stored. What was stored under such a name
// before stays stored until it changes.

/** The rules for a Dir: undefined for none, `all` if the Dir itself is left out. */
export type RulesWithin = DirFilter | 'all' | undefined;

const NO_RULES_IN_DIRS = (): undefined => undefined;

/** Decides which names of a live tree are never stored. */
export class LeftOut {
  readonly #rules: NameFilter;
  readonly #top: () => LiveDir;

  /** @param top - the Dir to which anchored rules are relative; no rules apply outside of it */
  constructor(rules: NameFilter, top: () => LiveDir) {
    this.#rules = rules;
    this.#top = top;
  }

  /** Finds the rules for a Dir through the Dirs above it. */
  within(dir: LiveDir): RulesWithin {
    const down: LiveDir[] = [];
    for (let at: LiveDir | undefined = dir; at !== undefined; at = at.parent) {
      down.push(at);
      if (at === this.#top()) break;
    }
    let rules: RulesWithin;
    for (const at of down.reverse()) rules = this.enter(rules, at);
    return rules;
  }

  /** The rules for a Dir, from the rules of its parent. */
  enter(above: RulesWithin, dir: LiveDir): RulesWithin {
    if (dir === this.#top()) return this.#rules.at('/' as Octets, NO_RULES_IN_DIRS);
    return above === undefined || above === 'all' ? above : above.excludes(dir.name, true) ? 'all' : above.enter(dir.name);
  }

  /** Whether a file's content is not to be stored; undefined if that depends on all of its names. */
  hasLeaf(leaf: LiveLeaf): boolean | undefined {
    if (leaf.hard !== undefined) return undefined;
    return leaf.home !== undefined && isExcluded(this.within(leaf.home.dir), leaf.home.name, false);
  }
}

/** Whether rules exclude a name. */
export function isExcluded(rules: RulesWithin, name: Octets, isDir: boolean): boolean {
  return rules !== undefined && (rules === 'all' || rules.excludes(name, isDir));
}

/** Whether an entry of a Dir's overlay is not to be stored: its name is excluded, and it differs from the stored entry. */
export async function isLeftOut(
  reader: DirReader,
  dir: LiveDir,
  rules: RulesWithin,
  { name, entry }: RawEntry,
  options: OpOptions,
): Promise<boolean> {
  if (entry.sort === 'stored' || !isExcluded(rules, name, entry.sort === 'dir')) return false;
  // Known from the last time the Dir was written.
  if (dir.unstored?.has(name) === true) return true;
  const stored = await reader.find(dir.dirent.block, name, options);
  if (stored === undefined) return true;
  if (entry.sort === 'link') return stored.kind !== 'indirect' || stored.uuid !== entry.uuid;
  if (entry.sort === 'leaf') return entry.unsynced !== undefined || !sameMeta(entry.dirent, stored) || !sameContent(entry.dirent, stored);
  return (
    stored.kind !== 'dir' ||
    entry.stale ||
    !sameMeta(entry.dirent, stored) ||
    !sameBlock(entry.dirent.block, stored.block) ||
    !sameOptionalBlock(entry.dirent.inodes, stored.inodes)
  );
}

/** After a Dir above was renamed: marks the Dirs below with names that were left out when written, but no longer are. */
export function markPromoted(leftOut: LeftOut, top: LiveDir): void {
  const ahead: { readonly dir: LiveDir; readonly rules: RulesWithin }[] = [{ dir: top, rules: leftOut.within(top) }];
  for (let step = ahead.pop(); step !== undefined; step = ahead.pop()) {
    const { dir, rules } = step;
    if (rules === 'all') continue;
    for (const [name, entry] of dir.overlay) {
      if (entry.sort === 'dir') ahead.push({ dir: entry, rules: leftOut.enter(rules, entry) });
      if (dir.unstored?.has(name) === true && entry.sort !== 'removed' && !isExcluded(rules, name, entry.sort === 'dir')) dir.markStale();
    }
  }
}

/** Counts the names that are left out, for each node in the table of a Dir. */
export async function linksLeftOut(reader: DirReader, leftOut: LeftOut, top: LiveDir, options: OpOptions): Promise<Map<HardLeaf, number>> {
  const counts = new Map<HardLeaf, number>();
  const count = async (dir: LiveDir, uuid: string): Promise<void> => {
    const node = await findNode(reader, dir, uuid, options);
    if (node !== undefined && node.hard.scope.dir === top) counts.set(node, (counts.get(node) ?? 0) + 1);
  };
  const ahead: { readonly dir: LiveDir; readonly rules: RulesWithin }[] = [{ dir: top, rules: leftOut.within(top) }];
  for (let step = ahead.pop(); step !== undefined; step = ahead.pop()) {
    const { dir, rules } = step;
    for (const [name, entry] of [...dir.overlay]) {
      if (entry.sort !== 'link' && entry.sort !== 'dir') continue;
      const isOut = await isLeftOut(reader, dir, rules, { name, entry }, options);
      if (entry.sort === 'link') {
        if (isOut) await count(dir, entry.uuid);
      } else if (isOut) for await (const place of linksBelow(reader, entry, options)) await count(place.dir, place.uuid);
      else ahead.push({ dir: entry, rules: leftOut.enter(rules, entry) });
    }
  }
  return counts;
}

/** Counts the names that only exist in the live tree. */
export async function countLeftOut(reader: DirReader, leftOut: LeftOut, root: LiveDir, options: OpOptions = {}): Promise<number> {
  let names = 0;
  const ahead: { readonly dir: LiveDir; readonly rules: RulesWithin; readonly isOut: boolean }[] = [
    { dir: root, rules: leftOut.within(root), isOut: false },
  ];
  for (let step = ahead.pop(); step !== undefined; step = ahead.pop()) {
    const { dir, rules, isOut } = step;
    if (isOut) for await (const { entry } of entriesOf(reader, dir, options)) if (entry.sort !== 'dir') names++;
    for (const [name, entry] of [...dir.overlay]) {
      if (entry.sort === 'removed') continue;
      const out = isOut || (await isLeftOut(reader, dir, rules, { name, entry }, options));
      if (out && (entry.sort === 'dir' || !isOut)) names++;
      if (entry.sort === 'dir') ahead.push({ dir: entry, rules: leftOut.enter(rules, entry), isOut: out });
    }
  }
  return names;
}

/** Whether a Dir, or one below it, has names that only exist in the live tree. */
export function holdsUnstored(top: LiveDir): boolean {
  const ahead = [top];
  for (let dir = ahead.pop(); dir !== undefined; dir = ahead.pop()) {
    if ([...(dir.unstored ?? [])].some((name) => dir?.overlay.has(name))) return true;
    for (const entry of dir.overlay.values()) if (entry.sort === 'dir') ahead.push(entry);
  }
  return false;
}
