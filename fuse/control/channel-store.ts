import { CorruptBlockError } from '../../core/base/errors.ts';
import type { OpOptions } from '../../core/base/op-options.ts';
import type { DigestedBlock } from '../../core/block/block-target.ts';
import type { EdgeSettings } from '../../core/block/edge-settings.ts';
import { type HashName, hashByName } from '../../core/block/hash.ts';
import { digestHex, type HashCode, hashcodeLabel, hashcodeOf } from '../../core/block/hashcode.ts';
import type { AddCounts } from '../../core/store/capabilities.ts';
import { NO_COUNTS, type Offers } from '../../core/store/capability.ts';
import { checkBlocks } from '../../core/store/check-blocks.ts';
import type { AddResult, Store } from '../../core/store/store.ts';
import type { ControlLink } from './control-link.ts';
import type { Fields } from './fields.ts';

/** Octets of Blocks in one request, at most. A single larger Block has a request of its own. */
const BATCH_BYTES = 512 * 1024;

/** The Store of a mount, over its control channel: for shells that cannot open the Store, and for Blocks that are not written yet. */
export class ChannelStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly offers: Offers;
  readonly #channel: ControlLink;
  #counts: AddCounts = NO_COUNTS;

  constructor(channel: ControlLink) {
    const store = channel.about['store'] as Fields;
    this.#channel = channel;
    this.name = String(store['name']);
    this.hashName = hashByName(String(store['hash'])).name;
    this.edges = store['edges'] as EdgeSettings;
    this.offers = { access: { write: store['can_write'] === true }, counts: this };
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    const hashcode = hashcodeOf(this.hashName, data);
    const [isNew] = await this.addBatch([{ digest: hashcode.digest, data }], options);
    return { hashcode, isNew: isNew === true };
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions = {}): Promise<boolean[]> {
    checkBlocks(blocks, hashByName(this.hashName), this.name);
    // The Blocks are views of memory that is reused after this call returns to the event loop.
    const kept = blocks.map(({ digest, data }) => ({ hex: digestHex(digest), data: Buffer.from(data) }));
    const known = await this.#has(
      kept.map(({ hex }) => hex),
      options,
    );
    const isNew = kept.map(() => false);
    const seen = new Set<string>();
    let texts: string[] = [];
    let size = 0;
    const send = async (): Promise<void> => {
      if (texts.length > 0) await this.#channel.ask({ request: 'add', blocks: texts }, options);
      texts = [];
      size = 0;
    };
    for (const [index, { hex, data }] of kept.entries()) {
      const isKnown = known[index] === true || seen.has(hex);
      seen.add(hex);
      this.#count(data.length, !isKnown);
      if (isKnown) continue;
      isNew[index] = true;
      if (size + data.length > BATCH_BYTES) await send();
      texts.push(data.toString('base64'));
      size += data.length;
    }
    await send();
    return isNew;
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    if (hashcode.hashName !== this.hashName) return undefined;
    const { blocks } = await this.#channel.ask({ request: 'get', digests: [digestHex(hashcode.digest)] }, options);
    const [text] = blocks as readonly (string | null)[];
    if (typeof text !== 'string') return undefined;
    const data = new Uint8Array(Buffer.from(text, 'base64'));
    if (Buffer.compare(hashcodeOf(this.hashName, data).digest, hashcode.digest) !== 0)
      throw new CorruptBlockError(hashcodeLabel(hashcode), this.name, 'its bytes do not match its hashcode');
    return data;
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    const ours = hashcodes.map(({ hashName, digest }) => (hashName === this.hashName ? digestHex(digest) : undefined));
    const asked = await this.#has(
      ours.filter((hex) => hex !== undefined),
      options,
    );
    let next = 0;
    return ours.map((hex) => hex !== undefined && asked[next++] === true);
  }

  async flush(options: OpOptions = {}): Promise<void> {
    await this.#channel.ask({ request: 'flush' }, options);
  }

  counts(): AddCounts {
    return this.#counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel[Symbol.dispose]();
    await Promise.resolve();
  }

  async #has(digests: readonly string[], options: OpOptions): Promise<readonly boolean[]> {
    if (digests.length === 0) return [];
    const { has } = await this.#channel.ask({ request: 'has', digests }, options);
    return has as readonly boolean[];
  }

  #count(size: number, isNew: boolean): void {
    const { newBlocks, newBytes, storedBytes, existingBlocks, existingBytes } = this.#counts;
    this.#counts = isNew
      ? { newBlocks: newBlocks + 1, newBytes: newBytes + size, storedBytes: storedBytes + size, existingBlocks, existingBytes }
      : { newBlocks, newBytes, storedBytes, existingBlocks: existingBlocks + 1, existingBytes: existingBytes + size };
  }
}
