import { closeSync, constants, fdatasync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { UsageError, VtError } from '../../../core/base/errors.ts';
import { appendAll } from '../../../core/base/lists.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import { tryLock } from '../../../core/base/system/file-lock.ts';
import { pathBytes } from '../../../core/base/system/system-error.ts';
import { PendingBlocks } from '../../../core/block/block-sink.ts';
import type { DigestedBlock } from '../../../core/block/block-target.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { storeDir } from '../../../core/dirent/dir-codec.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import { openLocalOutput } from '../../../core/export/local-output.ts';
import type { OneFileStart, Write } from '../../../core/onefile/one-file-writer.ts';
import { OneFileWriter } from '../../../core/onefile/one-file-writer.ts';
import { writeState } from '../../../core/onefile/write-state.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader, RECORD_FIXED_SIZE } from '../../../core/store/records/datafile.ts';
import { frameLayout } from '../../../core/store/records/frame-layout.ts';
import { readTrailer } from '../../../core/store/records/trailer.ts';
import { linksWithin } from '../../../core/tree/live/live-node.ts';
import { baseName } from '../../../core/tree/path.ts';
import type { CommandContext } from '../../command.ts';
import { distinctNames } from '../distinct-names.ts';
import { withEntry } from '../entry.ts';
import { countText, octetsFields, sizeText } from '../format.ts';
import { resolveLocalPath } from '../local-path.ts';
import { newMeta, newMode } from '../new-meta.ts';
import { tellPlan } from '../tell-plan.ts';

/**
 * The level of Zstandard. 258 MB of small files gave 155 MB with level 3, in 3 s of processor time. Level 9 gave 151 MB in 8 s, level 15
 * gave 147 MB in 30 s.
 */
const LEVEL = 9;

/** A Dirent to write, and Blocks of it that no Store has. */
interface Written {
  readonly dirent: Dirent;
  readonly more: readonly DigestedBlock[];
}

/** Writes a one-file Store to standard output, or to a local file, which gets its name when it is complete. */
export async function writeFile(context: CommandContext, file: Octets, paths: readonly Octets[], isCompressed: boolean): Promise<void> {
  const { output, signal, plan, session } = context;
  const written = await direntOf(context, paths);
  if (plan) {
    tellPlan(output, `write ${output.name(file)}`);
    return;
  }
  if (file === '-') {
    if (output.terminal) throw new UsageError('ar -: standard output is a terminal', { remedy: 'name a file, or redirect it' });
    await writeTo(context, written, isCompressed, undefined, async (data) => await output.bytes(data));
    return;
  }
  const target = await openLocalOutput(resolveLocalPath(session.localCwd, file), 'make', signal);
  try {
    const summary = await writeTo(context, written, isCompressed, undefined, toDescriptor(target.fd));
    await promisify(fdatasync)(target.fd).catch(() => undefined); // a pipe or a device
    target.commit();
    report(context, file, 'wrote', summary);
  } catch (error) {
    target.rollback();
    throw error;
  }
}

/**
 * Appends a state to a one-file Store. After a failure the file is truncated to its former size.
 *
 * @throws {VtError} ELOCKED if another process appends to it, EOPEN if it is not a one-file Store, ECORRUPT if its index is damaged,
 *   EUNSUPPORTED for another hash function
 */
export async function appendState(context: CommandContext, file: Octets, paths: readonly Octets[], isCompressed: boolean): Promise<void> {
  const { output, plan, session } = context;
  const name = octetsToText(file);
  const written = await direntOf(context, paths);
  const fd = openSync(pathBytes(resolveLocalPath(session.localCwd, file)), constants.O_RDWR);
  try {
    if (tryLock(fd) === 'taken') throw new VtError('ELOCKED', `ar -r "${name}": another process appends to it`);
    const { start, last } = readStart(fd, name, session.tree.store.hashName);
    if (Buffer.compare(last, encodeDirent(written.dirent)) === 0) {
      output.line(`${output.name(file)} already has that state as its newest`);
      return;
    }
    if (plan) {
      tellPlan(output, `append to ${output.name(file)}`);
      return;
    }
    try {
      const summary = await writeTo(context, written, isCompressed, start, toDescriptor(fd, start.size));
      await promisify(fdatasync)(fd);
      report(context, file, 'appended to', summary);
    } catch (error) {
      ftruncateSync(fd, start.size);
      throw error;
    }
  } finally {
    closeSync(fd);
  }
}

interface Summary {
  readonly blocks: number;
  readonly bytes: number;
  /** Bytes written. */
  readonly size: number;
}

async function writeTo(
  { session, signal, diagnostics, now }: CommandContext,
  { dirent, more }: Written,
  isCompressed: boolean,
  start: OneFileStart | undefined,
  write: Write,
): Promise<Summary> {
  const { store } = session.tree;
  const hash = hashByName(store.hashName);
  const layOut = isCompressed ? frameLayout(hash.digestSize, LEVEL) : undefined;
  const writer = new OneFileWriter('one-file Store', hash, write, { layOut, start });
  const written = await writeState(writer, store, dirent, {
    now: now(),
    more,
    index: start?.index,
    signal,
    onProgress: ({ doneBytes, totalBytes, blocks }) => diagnostics.progress({ label: 'ar', doneBytes, totalBytes, doneItems: blocks }),
  });
  return { ...written, size: writer.size - (start?.size ?? 0) };
}

function report({ output }: CommandContext, file: Octets, did: string, { blocks, bytes, size }: Summary): void {
  output.record({ ...octetsFields('file', file), blocks, bytes, written_bytes: size });
  output.line(`${did} ${output.name(file)}: ${countText(blocks, 'Block')} (${sizeText(bytes)}), ${sizeText(size)} written`);
}

function toDescriptor(fd: number, start?: number): Write {
  let position = start;
  return async (data) => {
    for (let done = 0; done < data.length; ) {
      const written = writeSync(fd, data, done, data.length - done, position ?? null);
      done += written;
      if (position !== undefined) position += written;
    }
    await Promise.resolve();
  };
}

function readStart(fd: number, name: string, hashName: string): { readonly start: OneFileStart; readonly last: Buffer } {
  const readAt = (offset: number, size: number): Buffer => {
    const data = Buffer.alloc(Math.max(0, size));
    return data.subarray(0, readSync(fd, data, 0, data.length, offset));
  };
  const head = decodeDatafileHeader(readAt(0, DATAFILE_HEADER_SIZE));
  if (head.kind !== 'header' || head.header.isOneFile !== true) throw new VtError('EOPEN', `ar -r "${name}": it is not a one-file Store`);
  if (head.header.hashName !== hashName)
    throw new VtError('EUNSUPPORTED', `ar -r "${name}": its hash function is ${head.header.hashName}, that of the tree ${hashName}`);
  const { digestSize } = hashByName(head.header.hashName);
  const { size } = fstatSync(fd);
  const trailer = readTrailer(readAt, size, digestSize);
  const place = trailer?.states.at(-1);
  if (trailer === undefined || place === undefined)
    throw new VtError('ECORRUPT', `ar -r "${name}": its index is damaged or truncated`, {
      remedy: 'write the file again from a Store that has all Blocks',
    });
  const header = RECORD_FIXED_SIZE + digestSize;
  const last = readAt(place.offset + header, readAt(place.offset + 12, 4).readUInt32LE(0));
  return { start: { size, index: trailer.index, footerStart: trailer.footerStart }, last };
}

/** Combines the named entries into one Dirent: a single entry itself, or a new Dir with all of them. */
async function direntOf(context: CommandContext, paths: readonly Octets[]): Promise<Written> {
  const { session, signal } = context;
  const found: { readonly dirent: Dirent; readonly path: Octets }[] = [];
  for (const path of paths) {
    await withEntry(session, path, 'ar', { follow: path.endsWith('/'), signal }, async ({ tree, path: at }) => {
      const dirent = await tree.dirent(at, { signal });
      found.push({ dirent: { ...dirent, name: baseName(at) }, path: `${at}${tree === session.tree ? '' : tree.name}` as Octets });
    });
  }
  const [only] = found;
  if (only !== undefined && found.length === 1) return { dirent: only.dirent, more: [] };
  const pairs = found.map(({ dirent, path }) => ({ source: path, target: dirent.name, dirent }));
  const distinct = distinctNames(context, 'ar', pairs)
    .map((pair) => pair.dirent)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (distinct.some(({ name }) => name === '')) throw new UsageError('ar: / can only be written alone');
  const pending = new PendingBlocks(session.tree.store.hashName);
  const block = storeDir(pending, distinct);
  const more: DigestedBlock[] = [];
  await pending.flushTo({
    hashName: pending.hashName,
    addBatch: async (blocks) => {
      appendAll(more, blocks);
      return await Promise.resolve(blocks.map(() => true));
    },
  });
  const links = distinct.reduce((sum, dirent) => sum + (dirent.kind === 'dir' ? linksWithin(dirent) : 0), 0);
  const meta = newMeta(context, newMode('dir'));
  return { dirent: { kind: 'dir', name: '' as Octets, meta, block, ...(links === 0 ? {} : { links }) }, more };
}
