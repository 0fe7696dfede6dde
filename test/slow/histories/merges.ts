import fc from 'fast-check';
import type { DirDirent, Dirent } from '../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { Chosen, MergeChoice, MergeConflict } from '../../../core/tree/merge/merge-result.ts';
import { mergeTrees } from '../../../core/tree/merge/merge-trees.ts';
import { sideRenames } from '../../../core/tree/merge/side-renames.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { isWithin } from '../../../core/tree/path.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { checkStored } from '../../support/trees/check-stored.ts';
import { treeLines } from '../../support/trees/tree-lines.ts';
import { copyOperation, operation, type PickedOperation } from '../../support/trees/tree-operations.ts';
import { changeSide, startOfSides } from '../../support/trees/tree-sides.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';

/** Every rule of `merge --conflict`; `fail` is `both`, and then nothing is changed. */
const RULES: Readonly<Record<string, (choice: MergeChoice) => Chosen>> = {
  both: () => 'both',
  ours: () => 'ours',
  theirs: () => 'theirs',
  newer: ({ ours, theirs }) => {
    if (ours === undefined || theirs === undefined) return 'both';
    return (theirs.meta.mtimeNs ?? 0n) > (ours.meta.mtimeNs ?? 0n) ? 'theirs' : 'ours';
  },
};

const length = { minLength: 3, maxLength: 15, size: 'max' } as const;
const anySteps = fc.array(operation, length);
/** Those of every second pair. */
const copySteps = fc.array(copyOperation, length);

/** Merges at rest of random pairs, under every rule. */
export const mergesTorture: Torture = {
  name: 'merges',
  does: 'merges of two random changes (writes, links, renames, copies, removals) of a tree that is not in use, under every rule of --conflict',
  promise: 'content is lost only where a reported conflict chose the other side; hard links are intact',
  fullRounds: 10_000,
  run,
};

interface Side {
  readonly name: 'ours' | 'theirs';
  readonly dirent: DirDirent;
  /** Contents that it wrote, and the paths that have them. */
  readonly written: ReadonlyMap<string, readonly TreePath[]>;
}

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  for (let number = 0; tally.goesOn; number++) {
    const seed = limits.seed + number;
    const [ourSteps = [], theirSteps = []] = fc.sample(seed % 2 === 0 ? anySteps : copySteps, { seed, numRuns: 2 });
    const random = makeRandom(seed);
    const store = new MemoryStore();
    const base = await startOfSides(store);
    const make = async (name: Side['name'], picked: readonly PickedOperation[]): Promise<Side> => {
      const tree = openLiveTree(store, await changeSide(openLiveTree(store, base), picked, name));
      await setTimes(tree, random);
      const dirent = (await tree.sync()) as DirDirent;
      return { name, dirent, written: await contentsOf(store, dirent) };
    };
    const [ours, theirs] = [await make('ours', ourSteps), await make('theirs', theirSteps)];
    const renames = [...(await sideRenames(store, base, ours.dirent)), ...(await sideRenames(store, base, theirs.dirent))];
    for (const [rule, choose] of Object.entries(RULES)) {
      const fault = (what: string): void => tally.fault(`pair ${seed}, ${rule}: ${what}`);
      try {
        const merged = await mergeTrees(store, base, ours.dirent, theirs.dirent, { now: new Date(0), choose });
        await checkStored(store, merged.dirent);
        const found = await contentsOf(store, merged.dirent);
        const linked = await linkedWith(store, merged.dirent);
        for (const side of [ours, theirs])
          for (const [text, paths] of side.written) {
            if (found.has(text)) continue;
            // What is in a Dir that was renamed may be renamed there once more.
            const names = paths.flatMap((path) => [path, ...renames.flatMap(({ from, to }) => (isWithin(from, path) ? [to] : []))]);
            if (isGiven(side.name, names, merged.conflicts, linked)) tally.note('contents given to the other side');
            else fault(`${text} of ${paths.join(', ')} is lost: ${JSON.stringify(merged.conflicts)}`);
          }
        if (merged.conflicts.length > 0) tally.note('merges with conflicts');
      } catch (error) {
        fault(error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
    }
    for (const side of [ours, theirs]) {
      const idle = await mergeTrees(store, base, side.dirent, base, { now: new Date(0) });
      const [one, other] = [await treeLines(openLiveTree(store, idle.dirent)), await treeLines(openLiveTree(store, side.dirent))];
      if (one.join('\n') !== other.join('\n')) tally.fault(`pair ${seed}: merged with the start, ${side.name} is another`);
    }
    tally.count('pairs');
  }
  return tally.result();
}

/** Gives some files times, so that one side is newer. */
async function setTimes(tree: ReturnType<typeof openLiveTree>, random: Random): Promise<void> {
  for (const line of await treeLines(tree)) {
    const [kind, , path] = line.split(' ');
    if (kind === 'file' && random.chance(50))
      await tree.setMeta(path as TreePath, { mtimeNs: BigInt(random.below(1000)) }, { follow: false });
  }
}

/** What a side wrote, not what was there before. */
async function contentsOf(store: MemoryStore, dirent: Dirent): Promise<Map<string, TreePath[]>> {
  const contents = new Map<string, TreePath[]>();
  for (const line of await treeLines(openLiveTree(store, dirent as DirDirent))) {
    const [, path, text] = /^file \d+ (\S+) "(<(?:ours|theirs) \d+>)"/.exec(line) ?? [];
    if (path !== undefined && text !== undefined) contents.set(text, [...(contents.get(text) ?? []), path as TreePath]);
  }
  return contents;
}

/** All names of the node that a path of a tree names. */
async function linkedWith(store: MemoryStore, dirent: DirDirent): Promise<(path: TreePath) => readonly TreePath[]> {
  const nodeOf = new Map<TreePath, string>();
  const names = new Map<string, TreePath[]>();
  for (const line of await treeLines(openLiveTree(store, dirent))) {
    const [kind, , path] = line.split(' ');
    const node = line.slice(line.lastIndexOf(' ') + 1);
    if (kind !== 'file') continue;
    nodeOf.set(path as TreePath, node);
    names.set(node, [...(names.get(node) ?? []), path as TreePath]);
  }
  return (path) => names.get(nodeOf.get(path) ?? '') ?? [path];
}

/** Whether a conflict that was told gave one of these names to the other side. That of a node is told at one name of it. */
function isGiven(
  side: Side['name'],
  names: readonly TreePath[],
  conflicts: readonly MergeConflict[],
  linked: (path: TreePath) => readonly TreePath[],
): boolean {
  return conflicts.some(
    ({ path, theirsAt, took }) =>
      took !== undefined &&
      took !== side &&
      [...linked(path), ...(theirsAt === undefined ? [] : [theirsAt])].some((at) =>
        names.some((name) => isWithin(at, name) || isWithin(name, at)),
      ),
  );
}
