import { ClosedError, CorruptBlockError, ReadOnlyError, throwIfCancelled, VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { MAX_BLOCK_SIZE } from '../../block/block.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import type { HashName } from '../../block/hash.ts';
import { hashByName } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import { digestHex, hashcodeLabel } from '../../block/hashcode.ts';
import type { Offers } from '../../store/capability.ts';
import type { AddResult, Store } from '../../store/store.ts';
import type { StoreDescription } from '../store-description.ts';
import { HttpArchive } from './http-archive.ts';
import type { HttpClient } from './http-client.ts';

/** A Store that is read over HTTP: one request a Block, many at a time. */
export class HttpStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly offers: Offers;
  readonly #client: HttpClient;
  #closed = false;

  constructor(client: HttpClient, { hashName, edges, archives }: StoreDescription) {
    this.name = client.name;
    this.hashName = hashName;
    this.edges = edges;
    this.#client = client;
    this.offers = {
      access: { write: false },
      archives: { open: (name) => new HttpArchive(client, name), list: async () => await Promise.resolve(archives) },
    };
  }

  async get(hashcode: HashCode, { signal }: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get', signal);
    if (hashcode.hashName !== this.hashName) return undefined;
    const { status, body } = await this.#client.get(this.#pathOf(hashcode), { maxSize: MAX_BLOCK_SIZE, signal });
    if (status === 404) return undefined;
    if (status !== 200) throw this.#odd('get Block', status);
    // A proxy that answers with a page of its own is found here too.
    if (Buffer.compare(hashByName(this.hashName).digest(body), hashcode.digest) !== 0)
      throw new CorruptBlockError(hashcodeLabel(hashcode), this.name, 'its bytes are not those of its hashcode');
    return body;
  }

  async has(hashcodes: readonly HashCode[], { signal }: OpOptions = {}): Promise<boolean[]> {
    this.#check('has', signal);
    return await Promise.all(
      hashcodes.map(async (hashcode) => {
        if (hashcode.hashName !== this.hashName) return false;
        const { status } = await this.#client.get(this.#pathOf(hashcode), { method: 'HEAD', maxSize: 0, signal });
        if (status !== 200 && status !== 404) throw this.#odd('look for Block', status);
        return status === 200;
      }),
    );
  }

  add(): Promise<AddResult> {
    return Promise.reject(this.#readOnly());
  }

  addBatch(): Promise<boolean[]> {
    return Promise.reject(this.#readOnly());
  }

  async flush({ signal }: OpOptions = {}): Promise<void> {
    this.#check('flush', signal);
    await Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#client.close();
    await Promise.resolve();
  }

  #pathOf({ hashName, digest }: HashCode): string {
    return `h/${digestHex(digest)}.${hashName}`;
  }

  #check(action: string, signal: AbortSignal | undefined): void {
    if (this.#closed) throw new ClosedError(action, this.name);
    throwIfCancelled(signal);
  }

  #readOnly(): Error {
    return this.#closed
      ? new ClosedError('add to', this.name)
      : new ReadOnlyError('add to', this.name, { remedy: 'serve the Store by ssh or tcp: to write to it' });
  }

  #odd(action: string, status: number): VtError {
    return new VtError('EFAILED', `${action} from "${this.name}": the server answered with ${status}`);
  }
}
