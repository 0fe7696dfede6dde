import { CorruptBlockError, throwIfCancelled } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Block } from './block.ts';
import type { BlockSource } from './block-source.ts';
import { blockrefBody } from './blockref.ts';
import { commonRuns } from './common-runs.ts';
import { MAX_TREE_DEPTH, readSuperblock, withSpan } from './tree-walk.ts';

/** A part of a content: a leaf, or a superblock that has not been read. */
export interface ContentPart {
  readonly block: Block;
  /** Its offset in the whole content. */
  readonly start: number;
}

/** The parts of two contents between two common parts. One of the lists may be empty. */
export interface DifferingRun {
  readonly before: readonly ContentPart[];
  readonly after: readonly ContentPart[];
  /** Its offset in each content. */
  readonly start: { readonly before: number; readonly after: number };
}

interface Part extends ContentPart {
  /** Upper bound of the levels of superblocks in it; 0 for a leaf. */
  readonly height: number;
}

interface Run extends DifferingRun {
  readonly before: readonly Part[];
  readonly after: readonly Part[];
}

/** A run of more parts is returned with its superblocks unread. Contents with nothing in common must not fill the memory. */
const MAX_PARTS = 200_000;

/**
 * Finds the parts in which two Block trees differ, in order. Equal references mean equal contents. So superblocks are read only if one
 * tree has them and the other does not, and leaves are not read.
 *
 * @throws {MissingBlockError} and {CorruptBlockError} for a superblock that cannot be read
 */
export async function* differingRuns(
  sources: { readonly before: BlockSource; readonly after: BlockSource },
  before: Block,
  after: Block,
  options: OpOptions = {},
): AsyncGenerator<DifferingRun, void, undefined> {
  const { signal } = options;
  const top = async (source: BlockSource, block: Block): Promise<Part[]> => {
    const whole = await withSpan(source, block, signal);
    return whole.span === 0 ? [] : [{ block: whole, start: 0, height: await heightOf(source, whole, signal) }];
  };
  // Runs to compare, in reverse order.
  const start = { before: 0, after: 0 };
  const runs = differing({ before: await top(sources.before, before), after: await top(sources.after, after), start });
  for (let run = runs.pop(); run !== undefined; run = runs.pop()) {
    throwIfCancelled(signal);
    const height = Math.max(heightOfAll(run.before), heightOfAll(run.after));
    const isOneSided = run.before.length === 0 || run.after.length === 0;
    if (height === 0 || isOneSided || run.before.length + run.after.length > MAX_PARTS) {
      yield run;
      continue;
    }
    const opened = {
      start: run.start,
      before: await open(sources.before, run.before, height, signal),
      after: await open(sources.after, run.after, height, signal),
    };
    for (const next of differing(opened).reverse()) runs.push(next);
  }
}

function heightOfAll(parts: readonly Part[]): number {
  let height = 0;
  for (const part of parts) if (part.height > height) ({ height } = part);
  return height;
}

/** Replaces the superblocks of the given height by their children. */
async function open(source: BlockSource, parts: readonly Part[], height: number, signal: AbortSignal | undefined): Promise<Part[]> {
  const opened: Part[] = [];
  for (const part of parts) {
    if (part.block.kind !== 'indirect' || part.height < height) {
      opened.push(part);
      continue;
    }
    let { start } = part;
    for (const block of await readSuperblock(source, part.block, signal)) {
      opened.push({ block, start, height: block.kind === 'indirect' ? Math.max(1, part.height - 1) : 0 });
      start += block.span;
    }
    if (start - part.start !== part.block.span)
      throw new CorruptBlockError(
        'superblock',
        'Block tree',
        `its reference says ${part.block.span} bytes, its superblock ${start - part.start}`,
      );
  }
  return opened;
}

/** The runs between common parts, in order. */
function differing({ before, after, start }: Run): Run[] {
  const runs: Run[] = [];
  let at = { before: 0, after: 0 };
  const end = { before: before.length, after: after.length, length: 0 };
  for (const common of [...commonRuns(before.map(keyOf), after.map(keyOf)), end]) {
    const from = { before: endBefore(before, at.before, start.before), after: endBefore(after, at.after, start.after) };
    const run = { before: before.slice(at.before, common.before), after: after.slice(at.after, common.after), start: from };
    if (run.before.length + run.after.length > 0) runs.push(run);
    at = { before: common.before + common.length, after: common.after + common.length };
  }
  return runs;
}

/** The offset at which the part at index `place` begins, even if there is none. */
function endBefore(parts: readonly Part[], place: number, start: number): number {
  const last = parts[place - 1];
  return last === undefined ? start : last.start + last.block.span;
}

function keyOf({ block }: Part): string {
  return Buffer.from(blockrefBody(block)).toString('latin1');
}

/** Levels of superblocks, counted along the first child of each. */
async function heightOf(source: BlockSource, block: Block, signal: AbortSignal | undefined): Promise<number> {
  let height = 0;
  for (let at: Block | undefined = block; at?.kind === 'indirect' && height < MAX_TREE_DEPTH; height++) {
    at = (await readSuperblock(source, at, signal))[0];
  }
  return height;
}
