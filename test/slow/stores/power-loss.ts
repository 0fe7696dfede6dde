import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Random } from '../../support/random.ts';

/** Something that a program did to the disk, or printed. */
export type DiskStep =
  | { readonly kind: 'create'; readonly inode: number; readonly path: string }
  | { readonly kind: 'write'; readonly inode: number; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly inode: number; readonly size: number }
  | { readonly kind: 'sync'; readonly inode: number }
  | { readonly kind: 'sync-folder'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'unlink' | 'rmdir' | 'mkdir'; readonly path: string }
  | { readonly kind: 'print'; readonly data: Buffer };

/** Reads a log of the shim; see `shim.c`. */
export function parseShimLog(log: Buffer): DiskStep[] {
  const steps: DiskStep[] = [];
  let at = 0;
  const line = (): string => {
    const end = log.indexOf(10, at);
    const text = log.toString('utf8', at, end);
    at = end + 1;
    return text;
  };
  while (at < log.length) {
    const text = line();
    const kind = text[0];
    const rest = text.slice(2);
    const numbers = rest.split(' ').map(Number);
    const [first = 0, second = 0, third = 0] = numbers;
    if (kind === 'W' || kind === 'O') {
      const data = Buffer.from(log.subarray(at, at + third));
      at += third;
      steps.push(kind === 'O' ? { kind: 'print', data } : { kind: 'write', inode: first, offset: second, data });
    } else if (kind === 'C') steps.push({ kind: 'create', inode: first, path: rest.slice(rest.indexOf(' ') + 1) });
    else if (kind === 'T') steps.push({ kind: 'truncate', inode: first, size: second });
    else if (kind === 'S') steps.push({ kind: 'sync', inode: first });
    else if (kind === 'D') steps.push({ kind: 'sync-folder', path: rest });
    else if (kind === 'R') steps.push({ kind: 'rename', path: rest, to: line() });
    else if (kind === 'U') steps.push({ kind: 'unlink', path: rest });
    else if (kind === 'X') steps.push({ kind: 'rmdir', path: rest });
    else if (kind === 'M') steps.push({ kind: 'mkdir', path: rest });
    else throw new Error(`read shim log: "${text.slice(0, 80)}" at ${at}`);
  }
  return steps;
}

export interface StateOptions {
  /** The folder in the log's paths. */
  readonly from: string;
  /** The folder that is brought from the state at the log's start to that after the loss of power. */
  readonly to: string;
  /** Paths of the files that were there, by inode. */
  readonly inodes: ReadonlyMap<number, string>;
  readonly random: Random;
}

type NameStep = Extract<DiskStep, { readonly path: string }>;
type ContentStep = Extract<DiskStep, { readonly inode: number }>;

/**
 * Does to a folder what was surely done to it on disk, and a random part of the rest: of what was written to a file
 * since its last sync any writes, in any order, the last octets of one maybe missing; of the names changed in a folder
 * since its last sync the first few.
 */
export function stateAt(steps: readonly DiskStep[], { from, to, inodes, random }: StateOptions): void {
  const here = (path: string): string => path.replace(from, to);
  const contents = new Map<number, ContentStep[]>();
  const surely = new Map<number, number>();
  for (const step of steps) {
    if (!('inode' in step)) continue;
    const list = contents.get(step.inode) ?? [];
    contents.set(step.inode, list);
    if (step.kind === 'create') list.length = 0; // the inode's number was given anew
    if (step.kind === 'create') surely.delete(step.inode);
    if (step.kind === 'sync') surely.set(step.inode, list.length);
    else list.push(step);
  }
  // Contents are made first, under names of their own: names come after.
  const paths = new Map(inodes);
  const bytes = new Map<number, Buffer>();
  for (const [inode, list] of contents) {
    const created = list.some(({ kind }) => kind === 'create');
    const path = paths.get(inode);
    const start = created || path === undefined ? Buffer.alloc(0) : readFileSync(here(path));
    bytes.set(inode, contentAfter(start, list, surely.get(inode) ?? 0, random));
  }
  applyNames(steps, here, paths, bytes, random);
}

function contentAfter(start: Buffer, list: readonly ContentStep[], sure: number, random: Random): Buffer {
  let content = start;
  const apply = (step: ContentStep): void => {
    if (step.kind === 'truncate')
      content = Buffer.concat([content.subarray(0, step.size), Buffer.alloc(Math.max(0, step.size - content.length))]);
    if (step.kind !== 'write') return;
    const size = Math.max(content.length, step.offset + step.data.length);
    const grown = Buffer.alloc(size);
    content.copy(grown);
    step.data.copy(grown, step.offset);
    content = grown;
  };
  for (const step of list.slice(0, sure)) apply(step);
  const unsure = list.slice(sure);
  const how = random.below(4);
  // All, none, the first few, or any of them.
  const few = random.below(unsure.length + 1);
  unsure.forEach((step, i) => {
    const isKept = how === 0 || (how === 2 && i < few) || (how === 3 && random.chance(50));
    if (!isKept) return;
    if (step.kind === 'write' && how >= 2 && random.chance(20))
      apply({ ...step, data: step.data.subarray(0, random.below(step.data.length + 1)) });
    else apply(step);
  });
  return content;
}

function applyNames(
  steps: readonly DiskStep[],
  here: (path: string) => string,
  paths: Map<number, string>,
  bytes: ReadonlyMap<number, Buffer>,
  random: Random,
): void {
  const names = steps.filter((step): step is NameStep => 'path' in step);
  // The last sync of each folder; what was done to its names before is sure.
  const lastSync = new Map<string, number>();
  names.forEach((step, i) => {
    if (step.kind === 'sync-folder') lastSync.set(step.path, i);
  });
  const cut = new Map<string, number>();
  const written = new Set<number>();
  const byPath = new Map([...paths].map(([inode, path]) => [path, inode]));
  const put = (inode: number, path: string): void => {
    if (!existsSync(dirname(here(path)))) return; // its folder's name was lost
    byPath.set(path, inode);
    writeFileSync(here(path), bytes.get(inode) ?? Buffer.alloc(0));
    written.add(inode);
  };
  names.forEach((step, i) => {
    if (step.kind === 'sync-folder') return;
    const folder = dirname(step.path);
    const sure = lastSync.get(folder) ?? -1;
    if (i > sure) {
      // A journal keeps the order: once something is lost, so is all that follows in this folder.
      if (!cut.has(folder) && random.chance(20)) cut.set(folder, i);
      if (cut.has(folder)) {
        if (step.kind === 'create') byPath.set(step.path, step.inode);
        return;
      }
    }
    switch (step.kind) {
      case 'mkdir':
        if (existsSync(dirname(here(step.path)))) mkdirSync(here(step.path), { recursive: true });
        return;
      case 'rmdir':
        if (existsSync(here(step.path))) rmdirSync(here(step.path));
        return;
      case 'create':
        put(step.inode, step.path);
        return;
      case 'unlink':
        rmSync(here(step.path), { force: true });
        byPath.delete(step.path);
        return;
      case 'rename': {
        const inode = byPath.get(step.path);
        if (existsSync(here(step.path))) renameSync(here(step.path), here(step.to));
        byPath.delete(step.path);
        if (inode !== undefined) byPath.set(step.to, inode);
        return;
      }
    }
  });
  for (const [inode, content] of bytes) {
    if (written.has(inode)) continue;
    const path = paths.get(inode);
    if (path !== undefined && byPath.get(path) === inode && existsSync(here(path))) writeFileSync(here(path), content);
  }
}
