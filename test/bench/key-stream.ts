import { createHash } from 'node:crypto';

const MIB = 1 << 20;

/**
 * Numbers and octets that look random and are the same on every machine: a SHAKE-128 key stream named by a seed and labels.
 * It is read as 64-bit and 16-bit integers, little-endian.
 */
export class KeyStream {
  readonly #key: string;
  #counter = 0;
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(...label: readonly (string | number)[]) {
    this.#key = label.join(':');
  }

  /** The next octets; valid for ever, not to be modified. */
  read(size: number): Buffer {
    if (this.#at + size <= this.#buffer.length) {
      this.#at += size;
      return this.#buffer.subarray(this.#at - size, this.#at);
    }
    const parts: Buffer[] = [];
    for (let left = size; left > 0; ) {
      if (this.#at === this.#buffer.length) {
        this.#buffer = createHash('shake128', { outputLength: MIB })
          .update(`${this.#key}/${this.#counter++}`)
          .digest();
        this.#at = 0;
      }
      const part = this.#buffer.subarray(this.#at, this.#at + left);
      this.#at += part.length;
      left -= part.length;
      parts.push(part);
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /** 0 <= n < limit */
  below(limit: number): number {
    const octets = this.read(8);
    const low = octets.readUInt32LE(0);
    const high = octets.readUInt32LE(4);
    // In doubles as long as nothing exceeds 2^53.
    if (limit < 2 ** 26) return ((high % limit) * (2 ** 32 % limit) + (low % limit)) % limit;
    return Number(((BigInt(high) << 32n) + BigInt(low)) % BigInt(limit));
  }

  /** low <= n <= high */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  /** So many integers of 16 bits. */
  u16s(count: number): Uint16Array {
    const octets = this.read(2 * count);
    const values = new Uint16Array(count);
    for (let i = 0; i < count; i++) values[i] = octets.readUInt16LE(2 * i);
    return values;
  }
}
