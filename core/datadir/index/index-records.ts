/** Records that one list holds at most: times 2^32 within 2^53. */
export const MAX_RECORDS: number = 2 ** 21;

/** How long the parts of a record are, in bytes. */
export interface RecordShape {
  readonly keySize: number;
  readonly valueSize: number;
}

/** Records of a key and a value, both of fixed size, in the order in which they came. */
export class IndexRecords {
  readonly shape: RecordShape;
  readonly #stride: number;
  #octets: Buffer;
  #count = 0;

  constructor(shape: RecordShape, capacity = 1024) {
    this.shape = shape;
    this.#stride = shape.keySize + shape.valueSize;
    this.#octets = Buffer.allocUnsafeSlow(Math.max(16, capacity) * this.#stride);
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** The records, one behind the other. */
  get octets(): Buffer {
    return this.#octets;
  }

  /** Adds a record. Of two with one key the later one counts. Both parts are copied. */
  add(key: Uint8Array, value: Uint8Array): void {
    if (this.#count === MAX_RECORDS) throw new RangeError('add to index: too many records at once');
    const at = this.#count * this.#stride;
    if (at + this.#stride > this.#octets.length) {
      const grown = Buffer.allocUnsafeSlow(this.#octets.length * 2);
      grown.set(this.#octets);
      this.#octets = grown;
    }
    this.#octets.set(key, at);
    this.#octets.set(value, at + this.shape.keySize);
    this.#count++;
  }

  /** Where each record begins in `octets`: ascending by key, and of each key the latest record alone. */
  inOrder(): Uint32Array {
    const { keySize } = this.shape;
    const stride = this.#stride;
    const octets = this.#octets;
    // The first 32 bits of a key before its place, in one number: sorted without a call of ours.
    const order = new Float64Array(this.#count);
    for (let i = 0; i < this.#count; i++) order[i] = octets.readUInt32BE(i * stride) * MAX_RECORDS + i;
    order.sort();
    const places = new Uint32Array(this.#count);
    let count = 0;
    for (const number of order) {
      const place = (number % MAX_RECORDS) * stride;
      // Keys with the same first bytes are in the order in which they came: a few of them are put in theirs.
      let at = count;
      let difference = 1;
      while (at > 0) {
        const before = places[at - 1] as number;
        difference = octets.compare(octets, before, before + keySize, place, place + keySize);
        if (difference >= 0) break;
        at--;
      }
      if (at > 0 && difference === 0) {
        places[at - 1] = place;
        continue;
      }
      places.copyWithin(at + 1, at, count);
      places[at] = place;
      count++;
    }
    return places.subarray(0, count);
  }
}
