import { LostAddsError, VtError } from '../../base/errors.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import { digestKey } from '../../block/digest-key.ts';
import type { HashFunction } from '../../block/hash.ts';
import { AddTally } from '../../store/add-tally.ts';
import type { AddCounts, CountedAdds } from '../../store/capabilities.ts';
import { packRecords } from '../../store/records/record-batch.ts';
import { RequestGate } from '../../wire/request-gate.ts';
import type { Answer, HttpClient } from './http-client.ts';
import { reasonIn } from './http-client.ts';
import { readDigits } from './http-records.ts';

/** Blocks remembered as present, at most. */
const MAX_KNOWN = 65_536;
const MAX_ANSWER_SIZE = 64 * 1024;

/** Bytes of Blocks per request; a larger Block goes alone. */
const SENT_SIZE = 1024 * 1024;
/** Concurrent requests with Blocks. */
const MAX_SENDING = 8;

/** Asks which Blocks exist. */
type AskWhether = (digests: readonly Uint8Array[], signal: AbortSignal | undefined) => Promise<boolean[]>;
type KeyedBlock = readonly [key: string, block: DigestedBlock];

/** Adds Blocks over HTTP, many per request. Existing Blocks are not sent. */
export class HttpAdds implements CountedAdds {
  readonly #client: HttpClient;
  readonly #hash: HashFunction;
  readonly #areThere: AskWhether;
  readonly #tally = new AddTally();
  readonly #known = new Set<string>();
  readonly #gate = new RequestGate(MAX_SENDING, 0);
  /** Blocks being sent. */
  readonly #adding = new Map<string, Promise<unknown>>();
  /** The instance of the serving process, as last reported. */
  #instance: string;
  #isUnflushed = false;

  constructor(client: HttpClient, hash: HashFunction, instance: string, areThere: AskWhether) {
    this.#client = client;
    this.#hash = hash;
    this.#instance = instance;
    this.#areThere = areThere;
  }

  /**
   * Adds Blocks.
   *
   * @param blocks - of valid sizes; copied before the first await
   * @returns for each whether it is new
   */
  async addBatch(blocks: readonly DigestedBlock[], signal: AbortSignal | undefined): Promise<boolean[]> {
    const before: Promise<unknown>[] = [];
    const own = new Map<string, DigestedBlock>();
    const sizes = blocks.map(({ data }) => data.length);
    const keys = blocks.map(({ digest, data }) => {
      const key = digestKey(digest);
      const same = this.#adding.get(key);
      if (same !== undefined) before.push(same);
      else if (!this.#known.has(key) && !own.has(key)) own.set(key, { digest: Uint8Array.from(digest), data: Uint8Array.from(data) });
      return key;
    });
    const sending = this.#sendAll(own, signal);
    for (const key of own.keys()) this.#adding.set(key, sending);
    try {
      const isNew = await sending;
      await Promise.all(before);
      return keys.map((key, i) => this.#count(isNew.delete(key), sizes[i] ?? 0));
    } finally {
      for (const key of own.keys()) this.#adding.delete(key);
    }
  }

  #count(isNew: boolean, size: number): boolean {
    if (isNew) this.#tally.addNew(size, size);
    else this.#tally.addExisting(size);
    return isNew;
  }

  /** Sends the missing Blocks. @returns the keys of the new ones */
  async #sendAll(blocks: ReadonlyMap<string, DigestedBlock>, signal: AbortSignal | undefined): Promise<Set<string>> {
    const isNew = new Set<string>();
    if (blocks.size === 0) return isNew;
    this.#isUnflushed = true;
    const all = [...blocks];
    const areThere = await this.#areThere(
      all.map(([, { digest }]) => digest),
      signal,
    );
    const send = async (part: readonly KeyedBlock[]): Promise<void> => {
      const answers = await this.#send(
        part.map(([, block]) => block),
        signal,
      );
      for (const [i, [key]] of part.entries()) if (answers[i] === true) isNew.add(key);
    };
    await Promise.all(inParts(all.filter((_, i) => areThere[i] !== true)).map(send));
    if (this.#known.size + blocks.size > MAX_KNOWN) this.#known.clear();
    for (const key of blocks.keys()) this.#known.add(key);
    return isNew;
  }

  async #send(blocks: readonly DigestedBlock[], signal: AbortSignal | undefined): Promise<boolean[]> {
    if (!this.#gate.tryEnter(0)) await this.#gate.enter(0, signal);
    try {
      const body = packRecords(blocks, this.#hash, 'none').image;
      const answer = await this.#client.send('POST', 'r/', { body, maxSize: MAX_ANSWER_SIZE, signal });
      if (answer.status !== 200) throw failedWrite('add to', this.#client.name, answer);
      return readDigits(answer.body, answer.status, blocks.length, `add to "${this.#client.name}"`);
    } finally {
      this.#gate.leave(0);
    }
  }

  /** Makes added Blocks durable. @throws {LostAddsError} once, if the server restarted since they were added */
  async flush(signal: AbortSignal | undefined): Promise<void> {
    if (!this.#isUnflushed) return;
    await Promise.allSettled(this.#adding.values());
    const answer = await this.#client.send('POST', 'store', { body: new Uint8Array(0), maxSize: MAX_ANSWER_SIZE, signal });
    if (answer.status !== 200) throw failedWrite('flush', this.#client.name, answer);
    const instance = instanceIn(answer.body);
    const isAnother = instance !== this.#instance;
    this.#instance = instance;
    this.#isUnflushed = false;
    if (!isAnother) return;
    this.#known.clear();
    throw new LostAddsError(this.#client.name, 'Blocks added before the server restarted may be lost', {
      remedy: 'run the same command again',
    });
  }

  counts(): AddCounts {
    return this.#tally.counts();
  }
}

function inParts(blocks: readonly KeyedBlock[]): KeyedBlock[][] {
  const parts: KeyedBlock[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const block of blocks) {
    const { length } = block[1].data;
    if (size + length > SENT_SIZE) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)?.push(block);
    size += length;
  }
  return parts;
}

/** The error of a refused write. */
export function failedWrite(action: string, name: string, { status, body }: Answer): VtError {
  const reason = reasonIn(body).replace(/^: /, '');
  const code = status === 507 ? 'EFULL' : status === 409 ? 'EPERM' : status === 400 ? 'ECORRUPT' : 'EFAILED';
  return new VtError(code, `${action} "${name}": ${reason === '' ? `the server answered with ${status}` : reason}`);
}

function instanceIn(body: Buffer): string {
  try {
    const found: unknown = JSON.parse(body.toString());
    return typeof found === 'object' && found !== null && 'instance' in found ? String(found.instance) : '';
  } catch {
    return '';
  }
}
