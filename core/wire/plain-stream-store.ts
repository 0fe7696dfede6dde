import { CorruptBlockError, ReadOnlyError, throwIfCancelled } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import { digestKey } from '../block/digest-key.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import { DEFAULT_EDGES } from '../block/edge-settings.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { addOne } from '../store/add-one.ts';
import { AddTally } from '../store/add-tally.ts';
import type { AddCounts } from '../store/capabilities.ts';
import type { Offers } from '../store/capability.ts';
import { checkBlocks } from '../store/check-blocks.ts';
import type { AddResult, Store } from '../store/store.ts';
import { decodeHashcodes, decodeOneHashcode, encodeAdd, encodeHashcode, encodeRange, rangeFlags } from './payload.ts';
import { REQUEST } from './requests.ts';
import type { StreamClient } from './stream-client.ts';

/** Hashcodes requested at a time for a list. */
const LIST_STEP = 1024;
/** Maximum number of Blocks whose presence or absence is cached: 65,536 take 10 MB. */
const MAX_KNOWN = 65_536;

/** A client of a Store served by the Python vt, or by another program with only its protocol. Sends one request per Block. */
export class PlainStreamStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings = DEFAULT_EDGES;
  readonly offers: Offers;
  readonly #client: StreamClient;
  readonly #isReadOnly: boolean;
  readonly #hash: HashFunction;
  readonly #tally = new AddTally();
  /** Which Blocks the server has or lacks, as it has answered: each is asked for once. */
  readonly #known = new Map<string, boolean>();
  /** Pending adds by digest. */
  readonly #adding = new Map<string, Promise<unknown>>();

  constructor(client: StreamClient, hashName: HashName, isReadOnly: boolean) {
    this.#client = client;
    this.name = client.name;
    this.hashName = hashName;
    this.#hash = hashByName(hashName);
    this.#isReadOnly = isReadOnly;
    this.offers = { access: { write: !isReadOnly }, counts: this, enumeration: this };
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    return await addOne(this, this.#hash, data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('add to', options);
    if (this.#isReadOnly) throw new ReadOnlyError('add to', this.name);
    checkBlocks(blocks, this.#hash, this.name);
    return await Promise.all(
      blocks.map(async (block) => await this.#add(Uint8Array.from(block.digest), Uint8Array.from(block.data), options)),
    );
  }

  async #add(digest: Uint8Array, data: Uint8Array, options: OpOptions): Promise<boolean> {
    const key = digestKey(digest);
    const same = this.#adding.get(key);
    const adding = same === undefined ? this.#send(digest, data, options) : same.then(() => false);
    if (same === undefined) {
      const ended = adding.catch(() => undefined).finally(() => this.#adding.delete(key));
      this.#adding.set(key, ended);
    }
    const isNew = await adding;
    if (isNew) this.#tally.addNew(data.length, data.length);
    else this.#tally.addExisting(data.length);
    return isNew;
  }

  /** Asks for the Block first, since the server writes every Block that it receives, even one that it has. */
  async #send(digest: Uint8Array, data: Uint8Array, options: OpOptions): Promise<boolean> {
    const { hashName } = this;
    if ((await this.#contains({ hashName, digest }, options)) === true) return false;
    const { payload } = await this.#client.add(REQUEST.add, { payload: encodeAdd(hashName, data) }, options.signal);
    const answered = decodeOneHashcode(payload);
    if (answered.hashName !== hashName || Buffer.compare(answered.digest, digest) !== 0)
      throw new CorruptBlockError(hashcodeLabel({ hashName, digest }), this.name, `it was taken as ${hashcodeLabel(answered)}`);
    this.#know(digest, true);
    return true;
  }

  async #contains(hashcode: HashCode, options: OpOptions): Promise<boolean> {
    const known = this.#known.get(digestKey(hashcode.digest));
    if (known !== undefined) return known;
    const { yes } = await this.#client.request(REQUEST.contains, { payload: [encodeHashcode(hashcode)] }, options.signal);
    this.#know(hashcode.digest, yes);
    return yes;
  }

  #know(digest: Uint8Array, isThere: boolean): void {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(digestKey(digest), isThere);
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get from', options);
    if (hashcode.hashName !== this.hashName) return undefined;
    const { yes, payload } = await this.#client.request(REQUEST.get, { payload: [encodeHashcode(hashcode)] }, options.signal);
    if (!yes) return undefined;
    if (Buffer.compare(this.#hash.digest(payload), hashcode.digest) === 0) return payload;
    throw new CorruptBlockError(hashcodeLabel(hashcode), this.name, 'its bytes have another hash');
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    return await Promise.all(hashcodes.map(async (one) => one.hashName === this.hashName && (await this.#contains(one, options))));
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    try {
      await this.#client.flush(options.signal);
    } catch (error) {
      // Earlier answers may no longer be true.
      this.#known.clear();
      throw error;
    }
  }

  counts(): AddCounts {
    return this.#tally.counts();
  }

  async *hashcodes(options: OpOptions = {}): AsyncIterable<HashCode> {
    const { hashName } = this;
    for (let start: HashCode | undefined; ; ) {
      this.#check('list', options);
      const range = { hashName, ...(start === undefined ? {} : { start }), isAfter: start !== undefined, length: LIST_STEP };
      const body = { flags: rangeFlags(range), payload: [encodeRange(range)] };
      const found = decodeHashcodes((await this.#client.request(REQUEST.hashcodes, body, options.signal)).payload);
      yield* found;
      start = found.at(-1);
      if (start === undefined) return;
    }
  }

  #check(action: string, options: OpOptions): void {
    this.#client.check(action);
    throwIfCancelled(options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}
