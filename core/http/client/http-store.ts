import { ClosedError, CorruptBlockError, ReadOnlyError, throwIfCancelled, VtError } from '../../base/errors.ts';
import { onAbort } from '../../base/on-abort.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { BatchedSource } from '../../block/batched-source.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import type { HashFunction, HashName } from '../../block/hash.ts';
import { hashByName } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import { digestHex, hashcodeLabel } from '../../block/hashcode.ts';
import type { Offers } from '../../store/capability.ts';
import { checkBlocks } from '../../store/check-blocks.ts';
import { checkRecords } from '../../store/records/check-records.ts';
import type { RecordBatch } from '../../store/records/record-batch.ts';
import { unpackRecords } from '../../store/records/record-batch.ts';
import type { AddResult, Store } from '../../store/store.ts';
import type { StoreDescription } from '../store-description.ts';
import { MAX_DESCRIPTION_SIZE, parseDescription } from '../store-description.ts';
import { HttpAdds } from './http-adds.ts';
import { HttpArchive } from './http-archive.ts';
import type { HttpClient } from './http-client.ts';
import { askRecords, askWhether, partsAsked } from './http-records.ts';

/** Concurrent requests for records. */
const AT_ONCE = 16;
/** Requests and early answers that wait for an earlier one: on a lossy link one may take ten times as long as the others. */
const AHEAD = 48;

/** A requested answer. */
interface AskedRecords {
  readonly batches: Promise<RecordBatch[]>;
  isThere: boolean;
}

/**
 * A Store over HTTP, writable if the server allows it. If the server gives records, Blocks that are wanted at the same time come in one
 * answer.
 */
export class HttpStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly offers: Offers;
  readonly #client: HttpClient;
  readonly #hash: HashFunction;
  readonly #together: BatchedSource | undefined;
  readonly #adds: HttpAdds | undefined;
  readonly #tellsMany: boolean;
  readonly #life = new AbortController();

  constructor(client: HttpClient, { hashName, edges, givesRecords, tellsMany, durability, instance }: StoreDescription) {
    this.name = client.name;
    this.hashName = hashName;
    this.edges = edges;
    this.#client = client;
    this.#hash = hashByName(hashName);
    this.#together = givesRecords ? new BatchedSource(this.name, async (hashcodes) => await this.#getMany(hashcodes)) : undefined;
    const adds =
      instance === undefined
        ? undefined
        : new HttpAdds(client, this.#hash, instance, async (digests, signal) => await this.#areThere(digests, signal));
    this.#adds = adds;
    this.#tellsMany = tellsMany;
    this.offers = {
      access: { write: adds !== undefined },
      counts: adds,
      durability: durability === undefined ? undefined : { durability },
      archives: {
        open: (name) => new HttpArchive(client, name, adds !== undefined),
        list: async (options) => await this.#archiveNames(options),
      },
      recordSource: givesRecords ? { records: (digests, spans, options) => this.#records(digests, spans, options) } : undefined,
    };
  }

  async get(hashcode: HashCode, { signal }: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get', signal);
    if (hashcode.hashName !== this.hashName) return undefined;
    const together = this.#together;
    if (together === undefined) return await this.#getOne(hashcode, signal);
    // Other callers may share the request, so it continues after one of them cancels.
    return await new Promise((resolve, reject) => {
      const release = onAbort(signal, () => reject(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason })));
      together.get(hashcode).finally(release).then(resolve, reject);
    });
  }

  async #getOne(hashcode: HashCode, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    const { status, body, isDamaged } = await this.#client.get(this.#pathOf(hashcode), { maxSize: this.#hash.maxSize, signal });
    if (isDamaged) throw new CorruptBlockError(hashcodeLabel(hashcode), this.name, 'it is damaged on the server');
    if (status === 404) return undefined;
    if (status !== 200) throw this.#odd('get Block', status);
    // This also detects the error page of a proxy.
    if (Buffer.compare(this.#hash.digest(body), hashcode.digest) !== 0)
      throw new CorruptBlockError(hashcodeLabel(hashcode), this.name, 'its bytes do not match its hashcode');
    return body;
  }

  async #getMany(hashcodes: readonly HashCode[]): Promise<readonly (Uint8Array | Error | undefined)[]> {
    const { digestSize } = this.#hash;
    const parts = [...partsAsked(Buffer.concat(hashcodes.map(({ digest }) => digest)), undefined, digestSize)];
    return (await Promise.all(parts.map(async (digests) => await this.#getPart(digests)))).flat();
  }

  async #getPart(digests: Uint8Array): Promise<(Uint8Array | Error | undefined)[]> {
    const { digestSize } = this.#hash;
    const count = digests.length / digestSize;
    const blocks = count === 1 ? undefined : await this.#checkedPart(digests);
    if (blocks !== undefined) return blocks;
    return await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const hashcode = { hashName: this.hashName, digest: digests.subarray(i * digestSize, (i + 1) * digestSize) };
        return await this.#getOne(hashcode, this.#life.signal).catch((error: unknown) => {
          if (error instanceof CorruptBlockError) return error;
          throw error;
        });
      }),
    );
  }

  /** Gets several Blocks in one answer; undefined if some are missing from it. */
  async #checkedPart(digests: Uint8Array): Promise<Uint8Array[] | undefined> {
    try {
      const batch = await askRecords(this.#client, this.#hash, digests, this.#life.signal);
      if (batch === undefined || batch.count * this.#hash.digestSize !== digests.length) return undefined;
      checkRecords(batch, this.#hash, this.name, { isRead: true });
      // A small Block must not keep the memory of the whole answer.
      return unpackRecords(batch, this.#hash.digestSize).map(({ data }) => (batch.count === 1 ? data : Buffer.from(data)));
    } catch (error) {
      if (error instanceof VtError && (error.code === 'EPARSE' || error.code === 'ECORRUPT')) return undefined;
      throw error;
    }
  }

  async *#records(
    digests: Uint8Array,
    spans: ArrayLike<number> | undefined,
    { signal }: OpOptions = {},
  ): AsyncGenerator<RecordBatch, void, undefined> {
    this.#check('get', signal);
    const waiting: AskedRecords[] = [];
    const underWay = new Set<Promise<void>>();
    for (const part of partsAsked(digests, spans, this.#hash.digestSize)) {
      for (let [first] = waiting; first !== undefined; [first] = waiting) {
        if (first.isThere || waiting.length >= AHEAD) {
          waiting.shift();
          yield* await first.batches;
        } else if (underWay.size >= AT_ONCE) await Promise.race(underWay);
        else break;
      }
      const asked: AskedRecords = { batches: this.#partRecords(part, signal), isThere: false };
      // Avoids an unhandled rejection: an early failure is thrown when its turn comes.
      const ended: Promise<void> = asked.batches
        .catch(() => undefined)
        .then(() => {
          asked.isThere = true;
          underWay.delete(ended);
        });
      underWay.add(ended);
      waiting.push(asked);
    }
    for (const { batches } of waiting) yield* await batches;
  }

  /** The records of a part; if they cannot be given together, those of its halves. */
  async #partRecords(part: Uint8Array, signal: AbortSignal | undefined): Promise<RecordBatch[]> {
    const batch = await askRecords(this.#client, this.#hash, part, signal);
    if (batch !== undefined) return [batch];
    const { digestSize } = this.#hash;
    if (part.length <= digestSize) return [];
    const middle = Math.floor(part.length / digestSize / 2) * digestSize;
    return [...(await this.#partRecords(part.subarray(0, middle), signal)), ...(await this.#partRecords(part.subarray(middle), signal))];
  }

  async has(hashcodes: readonly HashCode[], { signal }: OpOptions = {}): Promise<boolean[]> {
    this.#check('has', signal);
    const ours = hashcodes.filter(({ hashName }) => hashName === this.hashName);
    const areThere = (
      await this.#areThere(
        ours.map(({ digest }) => digest),
        signal,
      )
    ).values();
    return hashcodes.map(({ hashName }) => hashName === this.hashName && areThere.next().value === true);
  }

  async #areThere(digests: readonly Uint8Array[], signal: AbortSignal | undefined): Promise<boolean[]> {
    if (this.#tellsMany) {
      const parts = [...partsAsked(Buffer.concat(digests), undefined, this.#hash.digestSize)];
      return (await Promise.all(parts.map(async (part) => await askWhether(this.#client, this.#hash, part, signal)))).flat();
    }
    return await Promise.all(
      digests.map(async (digest) => {
        const hashcode = { hashName: this.hashName, digest };
        const { status, isDamaged } = await this.#client.get(this.#pathOf(hashcode), { method: 'HEAD', maxSize: 0, signal });
        if (status !== 200 && status !== 404 && !isDamaged) throw this.#odd('look for Block', status);
        return status !== 404;
      }),
    );
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    const digest = this.#hash.digest(data);
    const [isNew = false] = await this.addBatch([{ digest, data }], options);
    return { hashcode: { hashName: this.hashName, digest }, isNew };
  }

  async addBatch(blocks: readonly DigestedBlock[], { signal }: OpOptions = {}): Promise<boolean[]> {
    const adds = this.#adds;
    if (adds === undefined) throw this.#readOnly();
    this.#check('add to', signal);
    checkBlocks(blocks, this.#hash, this.name);
    return await adds.addBatch(blocks, signal);
  }

  async flush({ signal }: OpOptions = {}): Promise<void> {
    this.#check('flush', signal);
    await this.#adds?.flush(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    this.#client.close();
    await Promise.resolve();
  }

  async #archiveNames({ signal }: OpOptions = {}): Promise<readonly string[]> {
    this.#check('list archives of', signal);
    const { status, body } = await this.#client.get('store', { maxSize: MAX_DESCRIPTION_SIZE, signal });
    if (status !== 200) throw this.#odd('list archives', status);
    return parseDescription(body.toString()).archives;
  }

  #pathOf({ hashName, digest }: HashCode): string {
    return `h/${digestHex(digest)}.${hashName}`;
  }

  #check(action: string, signal: AbortSignal | undefined): void {
    if (this.#life.signal.aborted) throw new ClosedError(action, this.name);
    throwIfCancelled(signal);
  }

  #readOnly(): Error {
    return this.#life.signal.aborted
      ? new ClosedError('add to', this.name)
      : new ReadOnlyError('add to', this.name, {
          remedy: 'give a token with the right add, or reach the Store by ssh or tcp:',
        });
  }

  #odd(action: string, status: number): VtError {
    return new VtError('EFAILED', `${action} from "${this.name}": the server answered with ${status}`);
  }
}
