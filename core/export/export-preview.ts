import { lstatSync, readlinkSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { pathBytes } from '../base/system/system-error.ts';
import { leavesOf } from '../block/tree-walk.ts';
import type { Dirent } from '../dirent/dirent.ts';
import type { Store } from '../store/store.ts';
import type { LeafDirent } from '../tree/live/live-node.ts';
import { isDamage } from '../tree/walk.ts';
import type { ExportOptions } from './export.ts';
import { isIdentical } from './export-nodes.ts';
import type { WalkStep } from './export-walk.ts';
import { walkForExport } from './export-walk.ts';

/** The effect that an export would have on one node. */
export interface ExportEffect {
  /** `enter`: the directory exists; `skip`: the existing node is kept; `refuse`: it cannot be made, because of `reason`. */
  readonly action: 'make' | 'replace' | 'enter' | 'skip' | 'refuse';
  readonly kind: Exclude<Dirent['kind'], 'indirect'> | undefined;
  /** Absolute local path. */
  readonly local: Octets;
  /** Bytes of content. */
  readonly bytes: number;
  /** Leaf Blocks that would be read. */
  readonly blocks: number;
  /** It is a further name of an earlier node, whose content is not written again. */
  readonly isLink: boolean;
  readonly reason: string | undefined;
}

interface PreviewOptions extends Pick<ExportOptions, 'signal' | 'resume' | 'existing' | 'special' | 'filter'> {
  /** A directory in the place of a file, or the reverse, is removed first. */
  readonly clears?: boolean;
}

type Standing = 'absent' | 'dir' | 'identical' | 'other';

/** Lists what {@link exportDirent} would do, node by node. Nothing is written. */
export async function* previewExport(
  source: Store,
  dirent: Dirent,
  target: Octets,
  options: PreviewOptions = {},
): AsyncGenerator<ExportEffect, void, undefined> {
  const walk = walkForExport(source, dirent, options);
  const linked = new Set<string>();
  // For each Dir on the walk's path, whether it exists locally. Below one that does not, nothing exists.
  const stands: boolean[] = [];
  const effect = (step: { readonly path: Octets }, fields: Partial<ExportEffect> & Pick<ExportEffect, 'action'>): ExportEffect => ({
    kind: undefined,
    local: (step.path === '' ? target : `${target}/${step.path}`) as Octets,
    bytes: 0,
    blocks: 0,
    isLink: false,
    reason: undefined,
    ...fields,
  });
  const standing = (step: Extract<WalkStep, { kind: 'enter' | 'node' }>): Standing => {
    const there = stands.at(-1) === false ? 'absent' : standingAt(effect(step, { action: 'make' }).local, step.dirent);
    const isInTheWay = there !== 'absent' && (there === 'dir') !== (step.kind === 'enter');
    return isInTheWay && options.clears === true && step.path !== '' ? 'absent' : there;
  };

  let answer: 'skip' | undefined;
  for (;;) {
    const { value: step, done } = await walk.next(answer);
    answer = undefined;
    if (done === true || step === undefined) return;
    if (step.kind === 'leave') stands.pop();
    else if (step.kind === 'omitted') yield effect(step, { action: 'skip', reason: 'a device' });
    else if (step.kind === 'damage') yield effect(step, { action: 'refuse', reason: step.error.message });
    else if (step.kind === 'enter') {
      const there = standing(step);
      const isFree = there === 'absent' || there === 'dir';
      yield effect(step, {
        kind: 'dir',
        action: there === 'absent' ? 'make' : there === 'dir' ? 'enter' : 'refuse',
        reason: isFree ? undefined : 'something else is there',
      });
      stands.push(there === 'dir');
      if (!isFree) answer = 'skip';
    } else {
      const there = standing(step);
      const isLink = step.link !== undefined && linked.has(step.link.key);
      if (step.link !== undefined) linked.add(step.link.key);
      const stays = there !== 'absent' && (options.existing === 'keep' || (options.resume === true && there === 'identical'));
      const action = there === 'dir' ? 'refuse' : stays ? 'skip' : there === 'absent' ? 'make' : 'replace';
      const isWritten = !isLink && step.dirent.kind === 'file' && (action === 'make' || action === 'replace');
      const content = isWritten ? await contentOf(source, step.dirent, options.signal) : { bytes: 0, blocks: 0, reason: undefined };
      yield effect(step, {
        ...content,
        kind: step.dirent.kind,
        isLink,
        action: content.reason === undefined ? action : 'refuse',
        reason: content.reason ?? (there === 'dir' ? 'a directory is there' : undefined),
      });
    }
  }
}

function standingAt(local: Octets, dirent: Dirent): Standing {
  const seen = lstatSync(pathBytes(local), { bigint: true, throwIfNoEntry: false });
  if (seen === undefined) return 'absent';
  if (seen.isDirectory()) return 'dir';
  if (dirent.kind === 'dir' || dirent.kind === 'indirect') return 'other';
  return isIdentical(seen, dirent, 1n, () => readlinkSync(pathBytes(local), 'buffer')) ? 'identical' : 'other';
}

async function contentOf(
  source: Store,
  dirent: LeafDirent,
  signal: AbortSignal | undefined,
): Promise<{ bytes: number; blocks: number; reason: string | undefined }> {
  let bytes = 0;
  let blocks = 0;
  if (dirent.kind !== 'file') return { bytes, blocks, reason: undefined };
  try {
    for await (const leaf of leavesOf(source, dirent.block, { signal })) {
      bytes += leaf.size;
      if (leaf.block.kind === 'hash') blocks++;
    }
    return { bytes, blocks, reason: undefined };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { bytes, blocks, reason: error.message };
  }
}
