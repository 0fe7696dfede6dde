import { ConnectionLostError, CorruptBlockError, VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import type { HashFunction } from '../block/hash.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { checkRecords } from '../store/records/check-records.ts';
import { unpackRecords } from '../store/records/record-batch.ts';
import { encodeWanted, RECORDS_FLAG } from './record-requests.ts';
import { REQUEST } from './requests.ts';
import type { StreamClient } from './stream-client.ts';
import { readAnswer } from './stream-records.ts';

/** Maximum number of Blocks requested in one packet. */
const MAX_ASKED = 256;

interface Wanted {
  readonly digest: Uint8Array;
  resolve: (data: Uint8Array | undefined) => void;
  reject: (error: unknown) => void;
  /** It arrived damaged: the server is asked to verify it. */
  isSuspect: boolean;
}

/** Gets single Blocks; combines simultaneous calls into one request. */
export class StreamGets {
  readonly #client: StreamClient;
  readonly #hash: HashFunction;
  readonly #onReceived: (octets: number) => void;
  #wanted: Wanted[] = [];

  constructor(client: StreamClient, hash: HashFunction, onReceived: (octets: number) => void) {
    this.#client = client;
    this.#hash = hash;
    this.#onReceived = onReceived;
  }

  /** Gets and verifies a Block; undefined if the server lacks it. */
  async get(digest: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    return await new Promise<Uint8Array | undefined>((resolve, reject) => {
      const cancel = (): void => reject(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason }));
      const done = onAbort(signal, cancel);
      this.#want({
        digest: Uint8Array.from(digest),
        resolve: (data) => {
          done();
          resolve(data);
        },
        reject: (error) => {
          done();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
        isSuspect: false,
      });
    });
  }

  #want(wanted: Wanted): void {
    this.#wanted.push(wanted);
    if (this.#wanted.length === 1) queueMicrotask(() => this.#ask());
  }

  #ask(): void {
    const all = this.#wanted;
    this.#wanted = [];
    for (const isSuspect of [false, true]) {
      const some = all.filter((one) => one.isSuspect === isSuspect);
      for (let start = 0; start < some.length; start += MAX_ASKED) void this.#askFor(some.slice(start, start + MAX_ASKED), isSuspect);
    }
  }

  async #askFor(wanted: readonly Wanted[], isSuspect: boolean): Promise<void> {
    const asked = Buffer.concat(wanted.map(({ digest }) => digest));
    const body = { flags: isSuspect ? RECORDS_FLAG.verified : 0, payload: encodeWanted(asked, wanted.length) };
    let done = 0;
    try {
      const { payload } = await this.#client.request(REQUEST.records, body);
      this.#onReceived(payload.length);
      done = this.#give(wanted, asked, payload, isSuspect);
    } catch (error) {
      // A fault of one Block must not fail the others.
      const isOfOne = error instanceof VtError && !(error instanceof ConnectionLostError) && wanted.length > 1;
      wanted[0]?.reject(error);
      if (!isOfOne) for (const one of wanted) one.reject(error);
      done = 1;
    }
    for (const one of wanted.slice(done)) this.#want(one);
  }

  /** Hands out the Blocks of a response. @returns how many of the requested Blocks are answered */
  #give(wanted: readonly Wanted[], asked: Uint8Array, payload: Uint8Array, isSuspect: boolean): number {
    const hash = this.#hash;
    const { batch, answered } = readAnswer({ payload }, asked, wanted.length, hash);
    let isSound = true;
    try {
      checkRecords(batch, hash, this.#client.name, { isRead: true });
    } catch {
      isSound = false;
    }
    const blocks = isSound || batch.codecs.every((codec) => codec === 0) ? unpackRecords(batch, hash.digestSize) : [];
    let next = 0;
    for (const one of wanted.slice(0, answered)) {
      const block = blocks[next];
      if (block === undefined || Buffer.compare(block.digest, one.digest) !== 0) {
        if (isSound || isSuspect) one.resolve(undefined);
        else this.#want({ ...one, isSuspect: true });
        continue;
      }
      next++;
      if (isSound || Buffer.compare(hash.digest(block.data), one.digest) === 0)
        // A small Block must not keep the memory of the whole response.
        one.resolve(block.data.length * 2 > payload.length ? block.data : Buffer.from(block.data));
      else if (!isSuspect) this.#want({ ...one, isSuspect: true });
      else {
        const label = hashcodeLabel({ hashName: hash.name, digest: one.digest });
        one.reject(new CorruptBlockError(label, this.#client.name, 'its bytes have another hash'));
      }
    }
    return answered;
  }
}
