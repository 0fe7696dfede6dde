import { CorruptBlockError, MissingBlockError, throwIfCancelled, VtError } from '../base/errors.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { SEALED_OVERHEAD } from '../block/sealed-bytes.ts';
import type { Sealing } from '../store/capabilities.ts';
import { capability } from '../store/capability.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { RecordChecker } from '../store/records/record-checker.ts';
import type { Store } from '../store/store.ts';
import { BlockList } from './block-list.ts';
import type { Pace } from './pace.ts';

/** Options of {@link copyBlocks}. */
export interface CopyOptions {
  /** Number of concurrent batches of some 1 MiB; default 8. */
  readonly parallel?: number | undefined;
  readonly pace: Pace;
  /** All of the Blocks are superblocks or Dirs. */
  readonly isListing?: boolean | undefined;
  readonly onCopied: (blocks: number, bytes: number) => void;
  /** Called with each Block that could not be copied. */
  readonly onFault: (hashcode: HashCode, error: Error) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Blocks fetched concurrently if there are no records. */
const GET_AT_ONCE = 64;
const DEFAULT_PARALLEL = 8;

/**
 * Copies Blocks between Stores with the same hash function, as records if both support them. Every Block is
 * verified, by `to` if it does that itself, else here. Nothing is durable before `to.flush`.
 *
 * @throws the Stores' errors, except for missing or damaged Blocks: `onFault` is called with these
 */
export async function copyBlocks(from: Store, to: Store, list: BlockList, options: CopyOptions): Promise<void> {
  const [sealedFrom, sealedTo] = [capability(from, 'sealing'), capability(to, 'sealing')];
  if (sealedFrom !== undefined && sealedTo !== undefined && sealedFrom.id === sealedTo.id) {
    await copySealed(sealedFrom, sealedTo.below, list, { ...options, hashName: from.hashName });
    return;
  }
  const { signal, pace } = options;
  const hash = hashByName(from.hashName);
  const source = capability(from, 'recordSource');
  const sink = capability(to, 'recordSink');
  if (source === undefined || sink === undefined) {
    await copyEach(from, to, list.hashcodes(from.hashName), options);
    return;
  }
  const most = options.parallel ?? DEFAULT_PARALLEL;
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  let copied = 0;
  await using checker = sink.checksRecords ? undefined : new RecordChecker(hash);
  const copy = async (batch: RecordBatch): Promise<void> => {
    const hashcodes = (): HashCode[] =>
      Array.from({ length: batch.count }, (_, i) => ({
        hashName: hash.name,
        digest: batch.digests.slice(i * hash.digestSize, (i + 1) * hash.digestSize),
      }));
    try {
      const image = Buffer.from(batch.image.buffer, batch.image.byteOffset, batch.image.byteLength);
      if (checker !== undefined) await checker.check(image, batch.count, from.name);
      await sink.addRecords(options.isListing === true ? { ...batch, isListing: true } : batch, { signal });
      batch.release?.();
    } catch (error) {
      // One of the Blocks is damaged: copying each by itself shows which.
      if (!(error instanceof VtError && (error.code === 'ECORRUPT' || error.code === 'EPARSE'))) throw error;
      await copyEach(from, to, hashcodes(), options);
      return;
    }
    const bytes = batch.sizes.reduce((sum, size) => sum + size, 0);
    options.onCopied(batch.count, bytes);
  };
  try {
    for await (const batch of source.records(list.digests(), list.spans(), { signal })) {
      if (failure !== undefined) break;
      copied += batch.count;
      const work = copy(batch)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => underWay.delete(work));
      underWay.add(work);
      while (underWay.size >= most) await Promise.race(underWay);
      await pace.wait(batch.sizes.reduce((sum, size) => sum + size, 0));
    }
  } catch (error) {
    // The source gives no records of damaged Blocks: the missing ones are requested one by one.
    if (!(error instanceof CorruptBlockError)) throw error;
  } finally {
    await Promise.all(underWay);
  }
  if (failure !== undefined) throw failure.error;
  if (copied < list.count) await copyRest(from, to, list, options);
}

/** Copies between Stores that seal with the same keys, without opening the Blocks. */
async function copySealed(
  { below, names }: Sealing,
  to: Store,
  list: BlockList,
  { hashName, ...options }: CopyOptions & { readonly hashName: HashName },
): Promise<void> {
  const hash = hashByName('sealed');
  const { digestSize } = hash;
  const sealed = names(list.digests());
  const sealedList = new BlockList(digestSize);
  const plain = new Map<string, Uint8Array>();
  for (let i = 0; i < list.count; i++) {
    const name = sealed.subarray(i * digestSize, (i + 1) * digestSize);
    const span = list.span(i);
    sealedList.add(name, span < 0 ? span : span + SEALED_OVERHEAD);
    plain.set(digestKey(name), list.digest(i));
  }
  await copyBlocks(below, to, sealedList, {
    ...options,
    onCopied: (blocks, bytes) => options.onCopied(blocks, bytes - blocks * SEALED_OVERHEAD),
    onFault: ({ digest }, error) => options.onFault({ hashName, digest: plain.get(digestKey(digest)) ?? digest }, error),
  });
}

async function copyEach(from: Store, to: Store, hashcodes: readonly HashCode[], options: CopyOptions): Promise<void> {
  const { signal, pace } = options;
  for (let first = 0; first < hashcodes.length; first += GET_AT_ONCE) {
    throwIfCancelled(signal);
    const blocks: DigestedBlock[] = [];
    let bytes = 0;
    await Promise.all(
      hashcodes.slice(first, first + GET_AT_ONCE).map(async (hashcode) => {
        try {
          const data = await from.get(hashcode, { signal });
          if (data === undefined) throw new MissingBlockError(hashcodeLabel(hashcode), from.name);
          blocks.push({ digest: hashcode.digest, data });
          bytes += data.length;
        } catch (error) {
          if (!(error instanceof CorruptBlockError || error instanceof MissingBlockError)) throw error;
          options.onFault(hashcode, error);
        }
      }),
    );
    await to.addBatch(blocks, { signal });
    options.onCopied(blocks.length, bytes);
    await pace.wait(bytes);
  }
}

/** Copies the Blocks that records left out one by one, to find out why. */
async function copyRest(from: Store, to: Store, list: BlockList, options: CopyOptions): Promise<void> {
  const hashcodes = list.hashcodes(from.hashName);
  const there = await to.has(hashcodes, { signal: options.signal });
  const rest = hashcodes.filter((_, index) => there[index] !== true);
  await copyEach(from, to, rest, options);
}
