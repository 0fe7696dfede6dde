import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { BlockSource } from '../../../core/block/block-source.ts';
import { digestKey } from '../../../core/block/digest-key.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { LONG_READ_AHEAD, readBlockRange } from '../../../core/block/read-range.ts';
import { BlockTreeBuilder } from '../../../core/block/tree-builder.ts';
import type { PackName } from '../../../core/s3/pack-names.ts';
import { packKey } from '../../../core/s3/pack-names.ts';
import { PackRanges } from '../../../core/s3/pack-ranges.ts';
import { makeRandom } from '../../support/random.ts';

const LEAF_SIZE = 8192;
const LEAVES = 12_288;
const PACK_SIZE = 20 * 1024 * 1024;
/** Turns of the event loop after which nobody does anything but wait for the network. */
const IDLE_TURNS = 20;

/** A network whose time goes on only while everybody waits for it: what a machine computes takes none. */
class VirtualNetwork {
  nowMs = 0;
  readonly #delayMs: number;
  readonly #bytesPerMs: number;
  readonly #arrivals: { readonly atMs: number; readonly arrive: () => void }[] = [];
  #freeMs = 0;
  #seen = 0;
  /** Octets that are on their way, at most, and requests for them. */
  mostBytes = 0;
  mostRequests = 0;
  #bytes = 0;

  constructor(delayMs: number, bytesPerSecond: number) {
    this.#delayMs = delayMs;
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Resolves when so many octets have come. */
  async transfer(size: number): Promise<void> {
    this.noteWork();
    // Octets of all requests come one after the other.
    this.#freeMs = Math.max(this.nowMs + this.#delayMs, this.#freeMs) + size / this.#bytesPerMs;
    const atMs = this.#freeMs;
    this.#bytes += size;
    await new Promise<void>((resolve) => {
      this.#arrivals.push({ atMs, arrive: resolve });
      this.mostBytes = Math.max(this.mostBytes, this.#bytes);
      this.mostRequests = Math.max(this.mostRequests, this.#arrivals.length);
    });
    this.#bytes -= size;
  }

  /** Somebody does something. */
  noteWork(): void {
    this.#seen++;
  }

  /** Lets time go on until something is done. */
  async until(work: Promise<void>): Promise<void> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      for (let idle = 0, seen = this.#seen; idle < IDLE_TURNS && !isDone; idle++) {
        await new Promise((resolve) => setImmediate(resolve));
        if (this.#seen !== seen) idle = 0;
        seen = this.#seen;
      }
      const next = this.#arrivals.shift();
      if (isDone) break;
      assert.ok(next !== undefined, 'nobody waits for the network, and it is not done');
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.arrive();
    }
    await done;
  }
}

/** A content whose leaves and superblocks lie in packs of a service, one after the other. */
class FarContent implements BlockSource {
  readonly name = 'far';
  readonly hashName = 'sha3-256';
  readonly #places = new Map<string, { readonly pack: PackName; readonly start: number; readonly end: number }>();
  readonly #superblocks: Uint8Array[] = [];
  readonly #sizes = { d: 0, m: 0 };
  readonly #ranges: PackRanges;

  constructor(network: VirtualNetwork) {
    this.#ranges = new PackRanges({
      get: async (key, { range: [start, end] = [0, 0] }) => {
        await network.transfer(end - start);
        if (key === packKey(packNumber('m', 0))) return Buffer.concat(this.#superblocks).subarray(start, end);
        return Buffer.alloc(Math.max(0, Math.min(end, PACK_SIZE) - start));
      },
    });
  }

  put(data: Uint8Array): HashCode {
    const hashcode = hashcodeOf(this.hashName, data);
    this.#superblocks.push(Uint8Array.from(data));
    this.place('m', hashcode, data.length);
    return hashcode;
  }

  place(kind: 'd' | 'm', { digest }: HashCode, size: number): void {
    const at = this.#sizes[kind];
    const number = kind === 'm' ? 0 : Math.floor(at / PACK_SIZE);
    const start = at - number * PACK_SIZE;
    this.#places.set(digestKey(digest), { pack: packNumber(kind, number), start, end: start + size });
    this.#sizes[kind] += size;
  }

  async get({ digest }: HashCode): Promise<Uint8Array | undefined> {
    const place = this.#places.get(digestKey(digest));
    return place && (await this.#ranges.read(place.pack, place.start, place.end, {}));
  }
}

function packNumber(kind: 'd' | 'm', number: number): PackName {
  return `${kind}-${String(number).padStart(32, '0')}`;
}

it('a content of a service that is 100 ms away is read at 50 MB/s and more, with bounded memory', async (t) => {
  const network = new VirtualNetwork(100, 125e6);
  const content = new FarContent(network);
  const builder = new BlockTreeBuilder(content);
  const random = makeRandom(3);
  for (let i = 0; i < LEAVES; i++) {
    const hashcode: HashCode = { hashName: 'sha3-256', digest: random.bytes(32) };
    content.place('d', hashcode, LEAF_SIZE);
    builder.add({ kind: 'hash', hashcode, span: LEAF_SIZE });
  }
  const block = builder.finish();
  let octets = 0;
  await network.until(
    (async () => {
      for await (const chunk of readBlockRange(content, block, { maxReadAhead: LONG_READ_AHEAD, nowMs: () => network.nowMs })) {
        octets += chunk.length;
        network.noteWork();
      }
    })(),
  );
  assert.equal(octets, LEAVES * LEAF_SIZE);
  const rate = octets / 1e6 / (network.nowMs / 1000);
  t.diagnostic(`${rate.toFixed(1)} MB/s; at most ${(network.mostBytes / 1e6).toFixed(1)} MB in ${network.mostRequests} requests`);
  assert.ok(rate >= 50, `${rate} MB/s`);
  assert.ok(network.mostBytes <= 2 * LONG_READ_AHEAD, `${network.mostBytes} octets on their way`);
});
