import type { BigIntStats } from 'node:fs';
import { fstatSync, readSync } from 'node:fs';
import { VtError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { cName } from '../../base/system/at-calls.ts';
import { atCalls } from '../../base/system/choose-at-calls.ts';
import { isPackedSignature, SIGNATURE_LENGTH } from '../../base/system/file-signature.ts';
import { findXattrs } from '../../base/system/find-xattrs.ts';
import { readFully } from '../../base/system/read-fully.ts';
import { hashByName } from '../../block/hash.ts';
import { blockKeysOf } from '../../sealed/seal-keys.ts';
import { parserNamed, parserOf } from '../choose-parser.ts';
import { contentHint } from '../content-hint.ts';
import { ContentParser } from '../content-parser.ts';
import type { EdgeKernel } from '../edge-kernel.ts';
import { KERNEL_SCRATCH_SIZE, loadEdgeKernel, MIN_RUN_SIZE } from '../edge-kernel.ts';
import { EdgePicker } from '../edge-picker.ts';
import type { ContentHint } from '../parser.ts';
import { closeQuietly } from './file-slices.ts';
import type {
  ContentsJob,
  ContentsResult,
  HashJob,
  Job,
  JobResult,
  LeafTable,
  ParseJob,
  ScanJob,
  ScanResult,
  SmallJob,
  SmallNote,
  SmallResult,
  WorkerSetup,
} from './ingest-protocol.ts';
import { plainError } from './ingest-protocol.ts';
import type { LeafSetup } from './leaves.ts';
import { Leaves } from './leaves.ts';
import { slotDataAt, slotImageAt, slotStartAt } from './slots.ts';

/** How often a file that changes during reading is read again. */
export const MAX_REREADS = 3;

/** Executes the jobs of an ingest: in a worker, or in the main thread if there is little work. */
export class IngestJobs {
  readonly #setup: WorkerSetup;
  readonly #bytes: Uint8Array;
  readonly #leafSetup: LeafSetup;
  readonly #kernel: EdgeKernel;
  /** The parsers of contents in progress, by the contents' numbers. */
  readonly #parsers = new Map<number, ContentParser>();

  constructor(setup: WorkerSetup) {
    this.#setup = setup;
    this.#bytes = new Uint8Array(setup.memory.buffer);
    const scratchAt = setup.thread * setup.layout.scratchSize;
    const hash = hashByName(setup.hashName);
    this.#leafSetup = {
      bytes: this.#bytes,
      copy: (to, from, size) => this.#kernel.copy(to, from, size),
      digester: hash.digesterOf(setup.memory, scratchAt + KERNEL_SCRATCH_SIZE),
      digestSize: hash.digestSize,
      compression: setup.compression,
      blockKeys: setup.blockKeys && blockKeysOf(setup.blockKeys),
    };
    this.#kernel = loadEdgeKernel(setup.edges, setup.memory, { scratchAt });
  }

  run(job: Job): JobResult {
    switch (job.kind) {
      case 'scan':
        return this.#scan(job);
      case 'hash':
        return this.#hashRanges(job);
      case 'small':
        return this.#small(job);
      case 'contents':
        return this.#contents(job);
      case 'parse':
        return this.#parse(job);
    }
  }

  #parse({ content, parser: name, part, slot, length }: ParseJob): number[] {
    let state = this.#parsers.get(content);
    if (state === undefined) {
      const parser = parserNamed(name);
      if (parser === undefined) return [];
      state = new ContentParser(parser);
      this.#parsers.set(content, state);
    }
    switch (part) {
      case 'slice': {
        const dataAt = slotDataAt(this.#setup.layout, slot);
        return state.push(this.#bytes.subarray(dataAt, dataAt + length));
      }
      case 'hole':
        return state.pushHole(length);
      case 'end':
        this.#parsers.delete(content);
        return state.finish();
    }
  }

  #scan({ slot, fd, offset, length, context }: ScanJob): ScanResult {
    const dataAt = slotDataAt(this.#setup.layout, slot);
    let found = length;
    if (fd !== undefined) {
      const read = readFully(fd, this.#bytes.subarray(dataAt - context, dataAt + length), offset - context);
      found = Math.max(0, read - context);
    }
    return { length: found, scan: this.#kernel.scan(dataAt, dataAt + found, context) };
  }

  #hashRanges({ slot, pack, ranges }: HashJob): LeafTable {
    const leaves = new Leaves(this.#leafSetup, ranges.length / 2);
    for (let i = 0; i < ranges.length; i += 2) leaves.add(ranges[i] ?? 0, ranges[i + 1] ?? 0);
    return this.#finish(leaves, slot, pack);
  }

  #finish(leaves: Leaves, slot: number, pack: boolean): LeafTable {
    const { layout } = this.#setup;
    return leaves.finish(slotImageAt(layout, slot), pack ? layout.imageSize : 0);
  }

  #small({ slot, pack, dirs, names: joinedNames, signatures }: SmallJob): SmallResult {
    const at = atCalls();
    const names = joinedNames.split('\0').slice(0, -1) as Octets[];
    const readAtMs = Date.now();
    const leaves = new Leaves(this.#leafSetup, names.length * 2);
    const counts = new Uint32Array(names.length);
    const notes: SmallNote[] = [];
    let start = slotStartAt(this.#setup.layout, slot);
    for (let i = 0; i < names.length; i++) {
      const room = Number(signatures[i * SIGNATURE_LENGTH + 2]);
      const before = leaves.count;
      try {
        const name = names[i] ?? ('' as Octets);
        const first = notes.length;
        const fd = at.open(dirs[i] ?? -1, cName(name), 'content');
        const size = this.#readSmall(fd, start, room, signatures, i, notes);
        if (size !== undefined) this.#cut(start, start + size, leaves, () => contentHint(name, xattrsOf(notes, first)));
      } catch (error) {
        notes.push({ file: i, kind: 'failed', error: plainError(error) });
      }
      counts[i] = leaves.count - before;
      start += room;
    }
    return { ...this.#finish(leaves, slot, pack), readAtMs, counts, ranges: leaves.ranges(), notes };
  }

  #contents({ slot, pack, sizes, hints }: ContentsJob): ContentsResult {
    const leaves = new Leaves(this.#leafSetup, sizes.length * 2);
    const counts = new Uint32Array(sizes.length);
    let start = slotStartAt(this.#setup.layout, slot);
    for (const [i, size] of sizes.entries()) {
      const before = leaves.count;
      this.#cut(start, start + size, leaves, () => hints[i] ?? {});
      counts[i] = leaves.count - before;
      start += size;
    }
    return { ...this.#finish(leaves, slot, pack), counts, ranges: leaves.ranges() };
  }

  /**
   * Reads an open file to `at`, again if it changes meanwhile, and closes it. @returns its size; undefined if it has grown beyond `room`
   */
  #readSmall(fd: number, at: number, room: number, signatures: BigInt64Array, file: number, notes: SmallNote[]): number | undefined {
    try {
      if (room === 0 && readSync(fd, Buffer.alloc(1), 0, 1, 0) > 0) {
        // Files of /proc do this. To store such a file as empty would lose its content silently.
        throw new VtError('EFAILED', 'read file: its size is reported as 0 but it has content (as in /proc): copy it first');
      }
      let size = readFully(fd, this.#bytes.subarray(at, at + room), 0);
      let stat = fstatSync(fd, { bigint: true });
      if (!isPackedSignature(signatures, file * SIGNATURE_LENGTH, stat)) {
        let isStable = false;
        for (let reads = 0; !isStable && reads < MAX_REREADS; reads++) {
          if (!stat.isFile()) throw new VtError('EFAILED', 'read file: it is no longer a regular file');
          if (stat.size > BigInt(room)) {
            notes.push({ file, kind: 'grew' });
            return undefined;
          }
          const seen = stat;
          size = readFully(fd, this.#bytes.subarray(at, at + Number(seen.size)), 0);
          stat = fstatSync(fd, { bigint: true });
          isStable = sameState(seen, stat) && size === Number(seen.size);
        }
        notes.push({ file, kind: 'changed', stat: plainStat(stat), isStable });
      }
      const { xattrs, error } = findXattrs(fd);
      if (xattrs !== undefined) notes.push({ file, kind: 'xattrs', xattrs: [...xattrs] });
      if (error !== undefined) notes.push({ file, kind: 'xattr-failed', error: plainError(error) });
      return size;
    } finally {
      closeQuietly(fd);
    }
  }

  /** Cuts a whole content into leaves. */
  #cut(start: number, end: number, leaves: Leaves, hintOf: () => ContentHint): void {
    const { edges, parser: asked } = this.#setup;
    // It is too short for an edge or a run.
    if (end - start < Math.min(MIN_RUN_SIZE, edges.minSize)) {
      if (end > start) leaves.add(start, end);
      return;
    }
    const picker = new EdgePicker(edges);
    const content = this.#bytes.subarray(start, end);
    const hint = hintOf();
    const fitting = parserOf({ ...hint, parser: hint.parser ?? asked }, content, edges.minSize);
    const parser = content.length > (fitting?.quietSize ?? 0) ? fitting : undefined;
    const parsing = parser === undefined ? undefined : new ContentParser(parser);
    if (parser !== undefined) picker.useParser(parser);
    const scan = this.#kernel.scan(start, end, 0);
    let at = start;
    for (const spans of [picker.push(end - start, scan, parsing?.push(content)), picker.finish(parsing?.finish())]) {
      for (const { size, octet } of spans) {
        if (octet === undefined) leaves.add(at, at + size);
        else leaves.addRun(at, at + size);
        at += size;
      }
    }
  }
}

function xattrsOf(notes: readonly SmallNote[], first: number): Iterable<readonly [name: string, value: Uint8Array]> | undefined {
  for (let i = first; i < notes.length; i++) {
    const note = notes[i];
    if (note?.kind === 'xattrs') return note.xattrs;
  }
  return undefined;
}

function sameState(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

function plainStat({
  dev,
  ino,
  size,
  mtimeNs,
  ctimeNs,
  mode,
  uid,
  gid,
  nlink,
}: BigIntStats): Extract<SmallNote, { kind: 'changed' }>['stat'] {
  return { dev, ino, size, mtimeNs, ctimeNs, mode, uid, gid, nlink };
}
