import type { BlockSink } from '../../../core/block/block-sink.ts';
import type { BlockSource } from '../../../core/block/block-source.ts';
import type { HashName } from '../../../core/block/hash.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { digestHex, hashcodeOf } from '../../../core/block/hashcode.ts';

/** Blocks in a Map: where codecs put them and read them back, without a Store. */
export class MapSource implements BlockSource, BlockSink {
  readonly name = 'map';
  readonly hashName: HashName;
  readonly blocks = new Map<string, Uint8Array>();
  /** Hashcodes asked for, in order. */
  readonly asked: string[] = [];

  constructor(hashName: HashName = 'sha3-256') {
    this.hashName = hashName;
  }

  put(data: Uint8Array): HashCode {
    const hashcode = hashcodeOf(this.hashName, data);
    this.blocks.set(digestHex(hashcode.digest), Uint8Array.from(data));
    return hashcode;
  }

  async get(hashcode: HashCode): Promise<Uint8Array | undefined> {
    const key = digestHex(hashcode.digest);
    this.asked.push(key);
    return this.blocks.get(key);
  }
}
