import { largestOf } from '../../../core/base/lists.ts';
import type { Block } from '../../../core/block/block.ts';
import { digestHex } from '../../../core/block/hashcode.ts';
import { leavesOf } from '../../../core/block/tree-walk.ts';
import { ROOT_PATH, type TreePath } from '../../../core/tree/path.ts';
import type { TreeEntry } from '../../../core/tree/tree.ts';
import type { TreeContext } from '../../command.ts';
import { PassedDamage } from '../damage.ts';
import { fitted } from '../display-width.ts';
import { requireEntry } from '../entry.ts';
import { countText, octetsFields, sizeText } from '../format.ts';
import { isUtf8 } from './bars.ts';

// Shows which Blocks of a file other files of the tree also have: drawn in the terminal, and as records.

/** Cells per line, and lines per map, at most. */
const MAX_LINE_CELLS = 64;
const MAX_LINES = 8;

/** Files that a map names, at most: one letter each. */
const MAX_NAMED = 26;

/** Where a part of a file also occurs: nowhere else, again in the file, or in another file, given by number. A run repeats one byte. */
type Part = 'only-here' | 'repeated' | 'run' | number;

interface Stretch {
  readonly start: number;
  bytes: number;
  /** A number is the index of the file that also has it. */
  readonly part: Part;
}

/** The parts of a file in order, and the files that share some, beginning with the one that shares most. */
export interface BlockMap {
  readonly stretches: readonly Stretch[];
  readonly sharers: readonly { readonly path: TreePath; readonly bytes: number }[];
  readonly leaves: number;
}

interface KnownLeaf {
  readonly bytes: number;
  uses: number;
  /** Numbers of the files that also have it. */
  readonly sharers: number[];
}

/**
 * Compares the Blocks of a file with those of every other file of the tree. Only superblocks are read.
 *
 * @throws {MissingBlockError} and {CorruptBlockError} for superblocks of the file; damage of other files is reported and skipped
 */
export async function mapBlocks(context: TreeContext, file: TreeEntry, block: Block): Promise<BlockMap> {
  const { session, signal } = context;
  const { store } = session.tree;
  const known = new Map<string, KnownLeaf>();
  const order: { readonly start: number; readonly bytes: number; readonly key: string | undefined }[] = [];
  for await (const { block: leaf, start, size } of leavesOf(store, block, { signal })) {
    const key = leaf.kind === 'hash' ? digestHex(leaf.hashcode.digest) : leaf.kind === 'run' ? undefined : '';
    order.push({ start, bytes: size, key });
    if (key === undefined || key === '') continue;
    const before = known.get(key);
    if (before === undefined) known.set(key, { bytes: size, uses: 1, sharers: [] });
    else before.uses++;
  }
  const found: { path: TreePath; bytes: number }[] = [];
  for await (const { path, keys } of otherFiles(context, file, known)) {
    let bytes = 0;
    for (const key of keys) {
      const leaf = known.get(key);
      if (leaf === undefined) continue;
      leaf.sharers.push(found.length);
      bytes += leaf.bytes * leaf.uses;
    }
    found.push({ path, bytes });
  }
  const ranked = found.map((_, at) => at).sort((a, b) => (found[b]?.bytes ?? 0) - (found[a]?.bytes ?? 0));
  const rankOf = new Map(ranked.map((at, rank) => [at, rank]));
  const partOf = (key: string | undefined): Part => {
    if (key === undefined) return 'run';
    const leaf = known.get(key);
    if (leaf === undefined) return 'only-here';
    if (leaf.sharers.length > 0) return leaf.sharers.reduce((best, at) => Math.min(best, rankOf.get(at) ?? best), Number.POSITIVE_INFINITY);
    return leaf.uses > 1 ? 'repeated' : 'only-here';
  };
  const stretches: Stretch[] = [];
  for (const { start, bytes, key } of order) {
    const part = partOf(key);
    const last = stretches.at(-1);
    if (last?.part === part) last.bytes += bytes;
    else stretches.push({ start, bytes, part });
  }
  return { stretches, sharers: ranked.flatMap((at) => found[at] ?? []), leaves: order.length };
}

/** The other files that have some of the leaves, each with the keys of these. */
async function* otherFiles(
  context: TreeContext,
  file: TreeEntry,
  known: ReadonlyMap<string, KnownLeaf>,
): AsyncGenerator<{ readonly path: TreePath; readonly keys: ReadonlySet<string> }> {
  const { session, signal } = context;
  const { tree } = session;
  const damage = new PassedDamage(context, 'inspect');
  const ahead = [await requireEntry(tree, ROOT_PATH, 'inspect', { signal })];
  for (let dir = ahead.pop(); dir !== undefined; dir = ahead.pop())
    for await (const entry of damage.pass(tree.list(dir, { signal }), dir)) {
      if (entry.dirent.kind === 'dir') ahead.push(entry);
      if (entry.dirent.kind !== 'file' || entry.id === file.id) continue;
      const keys = new Set<string>();
      for await (const { block } of damage.pass(leavesOf(tree.store, entry.dirent.block, { signal }), entry)) {
        const key = block.kind === 'hash' ? digestHex(block.hashcode.digest) : '';
        if (known.has(key)) keys.add(key);
      }
      if (keys.size > 0) yield { path: entry.path, keys };
    }
  damage.throwIfAny();
}

/** Draws the map, one character per equal part of the file, and a legend. */
export async function drawBlockMap({ output, shell }: Pick<TreeContext, 'output' | 'shell'>, map: BlockMap): Promise<void> {
  const span = map.stretches.reduce((sum, { bytes }) => sum + bytes, 0);
  if (span === 0) return;
  const signs = { 'only-here': isUtf8(shell.env) ? '·' : '.', repeated: '=', run: '-' } as const;
  const signOf = (part: Part): string =>
    typeof part !== 'number' ? signs[part] : part < MAX_NAMED ? String.fromCharCode(0x61 + part) : '+';
  const width = Math.max(1, Math.min(MAX_LINE_CELLS, output.columns - 3));
  const cells = cellsOf(map, span, Math.min(span, width * Math.max(1, Math.min(MAX_LINES, Math.ceil(map.leaves / width)))));
  for (let at = 0; at < cells.length; at += width)
    output.line(
      `  ${cells
        .slice(at, at + width)
        .map((part) => (typeof part === 'number' ? output.style('dir', signOf(part)) : signOf(part)))
        .join('')}`,
    );
  const legend = async (sign: string, bytes: number, says: string): Promise<void> => {
    if (bytes > 0)
      output.line(
        await fitted(
          `  ${sign}  ${sizeText(bytes).padStart(6)} ${`${((bytes / span) * 100).toFixed(0)}%`.padStart(4)}  ${says}`,
          output.columns - 1,
        ),
      );
  };
  for (const [rank, { path, bytes }] of map.sharers.slice(0, MAX_NAMED).entries()) await legend(signOf(rank), bytes, output.name(path));
  const rest = map.sharers.slice(MAX_NAMED);
  if (rest.length > 0)
    await legend('+', largestOf(rest.map(({ bytes }) => bytes)), `at most in each of ${countText(rest.length, 'more file')}`);
  const bytesOf = (part: Part): number => map.stretches.reduce((sum, each) => (each.part === part ? sum + each.bytes : sum), 0);
  await legend(signs['only-here'], bytesOf('only-here'), 'only here');
  await legend(signs.repeated, bytesOf('repeated'), 'more than once in this file');
  await legend(signs.run, bytesOf('run'), 'one byte again and again, or a hole');
}

/** For each equal part of a file, the kind that takes most of it. */
function cellsOf({ stretches }: BlockMap, span: number, count: number): Part[] {
  const cells: Part[] = [];
  let at = 0;
  for (let cell = 0; cell < count; cell++) {
    const [from, to] = [(span * cell) / count, (span * (cell + 1)) / count];
    const sums = new Map<Part, number>();
    for (; ; at++) {
      const stretch = stretches[at];
      if (stretch === undefined) break;
      const end = stretch.start + stretch.bytes;
      sums.set(stretch.part, (sums.get(stretch.part) ?? 0) + Math.min(end, to) - Math.max(stretch.start, from));
      if (end > to) break;
    }
    const [most] = [...sums].sort((a, b) => b[1] - a[1]);
    if (most !== undefined) cells.push(most[0]);
  }
  return cells;
}

/** The JSON fields of a map. */
export function blockMapRecord({ stretches, sharers }: BlockMap): Record<string, unknown> {
  return {
    map: stretches.map(({ start, bytes, part }) => {
      const sharer = typeof part === 'number' ? sharers[part] : undefined;
      return {
        start,
        bytes,
        part: typeof part === 'number' ? 'shared' : part,
        ...(sharer === undefined ? {} : octetsFields('with', sharer.path)),
      };
    }),
    shared_with: sharers.map(({ path, bytes }) => ({ ...octetsFields('path', path), bytes })),
  };
}
