import type { Archive } from '../archive/archive.ts';
import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { RecordSource } from '../store/capabilities.ts';
import type { Offers } from '../store/capability.ts';
import { canWrite, capability } from '../store/capability.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { AddResult, Store } from '../store/store.ts';
import { AddedBlocks } from './added-blocks.ts';
import { GrantedBlocks } from './granted-blocks.ts';
import { GuardedArchive } from './guarded-archive.ts';
import { dirBelow, PartArchive } from './part-archive.ts';
import { lackOf, noLonger, RightError } from './right-error.ts';
import { mayAddTo, readGrant } from './rights.ts';
import type { RightsHolder } from './rights-line.ts';

/**
 * A Store as one client may use it. A server does everything for the client through this view, so no request checks rights itself.
 * Unreadable things appear absent. Forbidden actions fail with EPERM and name the right.
 *
 * A client that may read all archives may read all Blocks. For others {@link GrantedBlocks} decides.
 */
export class RightsView implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  /** Undefined for a client with partial rights, so that no capability bypasses this view. */
  readonly wraps: Store | undefined;
  readonly offers: Offers;
  readonly #holder: RightsHolder;
  readonly #below: Store;
  readonly #added: AddedBlocks;
  readonly #granted: GrantedBlocks | undefined;
  readonly #isAllowed: () => boolean;
  readonly #parts = new Map<string, PartArchive>();

  /**
   * @param below - the Store
   * @param holder - the client
   * @param isAllowed - whether the client still has these rights; called for each use
   */
  constructor(below: Store, holder: RightsHolder, isAllowed: () => boolean) {
    const { rights } = holder;
    this.name = below.name;
    this.hashName = below.hashName;
    this.edges = below.edges;
    this.#holder = holder;
    this.#below = below;
    this.#isAllowed = isAllowed;
    this.#added = new AddedBlocks(below);
    this.#granted =
      rights.readsAll || rights.isOwner
        ? undefined
        : new GrantedBlocks(this.#added, below.hashName, async (options) => await this.#open(options));
    this.wraps = this.#granted === undefined ? below : undefined;
    const writes = canWrite(below) && rights.adds.length > 0;
    const archives = capability(below, 'archives');
    this.offers = {
      access: { write: writes },
      archives: archives && { open: (name) => this.#archive(name), list: async (options) => await this.#list(options) },
      making: writes ? capability(below, 'making') : 'hidden',
      recordSink: writes && this.#granted === undefined ? undefined : 'hidden',
      ...(this.#granted === undefined ? this.#guarded() : this.#filtered()),
    };
  }

  /** The ways to many Blocks at once, which a long answer takes again and again: rights that have ended end them too. */
  #guarded(): Offers {
    const location = capability(this.#below, 'location');
    const sealing = capability(this.#below, 'sealing');
    const source = capability(this.#below, 'recordSource');
    return {
      location: location && {
        locate: (digests, spans) => {
          this.#require();
          return location.locate(digests, spans);
        },
      },
      sealing: sealing && {
        id: sealing.id,
        below: sealing.below,
        keys: sealing.keys,
        names: (digests) => {
          this.#require();
          return sealing.names(digests);
        },
      },
      recordSource: source && {
        records: (digests, spans, options) => {
          this.#require();
          return source.records(digests, spans, options);
        },
      },
    };
  }

  /** Records of those Blocks that are granted. */
  #filtered(): Offers {
    const source = capability(this.#below, 'recordSource');
    return source === undefined
      ? {}
      : { recordSource: { records: (digests, spans, options) => this.#records(source, digests, spans, options) } };
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    this.#require();
    if (this.#granted === undefined) return await this.#below.get(hashcode, options);
    const [isGranted] = hashcode.hashName === this.hashName ? await this.#granted.has([hashcode.digest]) : [];
    return isGranted === true ? await this.#added.get(hashcode, options) : undefined;
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    this.#require();
    const granted = this.#granted;
    if (granted === undefined) return await this.#below.has(hashcodes, options);
    const there = await this.#added.has(hashcodes, options);
    const isGranted = await granted.has(hashcodes.map(({ digest }) => digest));
    return there.map((isThere, i) => isThere && isGranted[i] === true);
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    this.#requireAdd();
    const added = await this.#below.add(data, options);
    return { ...added, isNew: this.#isNewHere(added.hashcode.digest, added.isNew) };
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    this.#requireAdd();
    const isNew = await this.#below.addBatch(blocks, options);
    return blocks.map(({ digest }, i) => this.#isNewHere(digest, isNew[i] === true));
  }

  async flush(options?: OpOptions): Promise<void> {
    this.#require();
    await this.#below.flush(options);
  }

  /** Leaves the Store below open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#granted?.close();
    await this.#added[Symbol.asyncDispose]();
  }

  /** Hides from a client with partial rights whether the Store had a Block before. */
  #isNewHere(digest: Uint8Array, isNew: boolean): boolean {
    if (this.#granted === undefined) return isNew;
    const isKnown = this.#granted.isKnown(digest);
    this.#granted.grant(digest);
    return !isKnown;
  }

  async *#records(
    source: RecordSource,
    digests: Uint8Array,
    spans: ArrayLike<number> | undefined,
    options: OpOptions | undefined,
  ): AsyncGenerator<RecordBatch, void, undefined> {
    this.#require();
    const { digestSize } = hashByName(this.hashName);
    const each = Array.from({ length: digests.length / digestSize }, (_, i) => digests.subarray(i * digestSize, (i + 1) * digestSize));
    const isGranted = (await this.#granted?.has(each)) ?? [];
    const kept = each.flatMap((digest, i) => (isGranted[i] === true ? [{ digest, span: spans?.[i] ?? 0 }] : []));
    if (kept.length === 0) return;
    yield* source.records(Buffer.concat(kept.map(({ digest }) => digest)), spans && kept.map(({ span }) => span), options);
  }

  #archive(name: string): Archive {
    this.#require();
    const { rights } = this.#holder;
    const whole = (readOnly: boolean): Archive => {
      const archive = capability(this.#below, 'archives')?.open(name, { readOnly });
      if (archive === undefined) throw new VtError('EUNSUPPORTED', `open archive "${name}": Store "${this.name}" has no archives`);
      return archive;
    };
    const grant = readGrant(rights, name);
    if (grant === undefined) throw this.#lacks(`open archive "${name}"`, `read=${name}`);
    if (grant.below.length > 0) {
      const part = this.#parts.get(name) ?? new PartArchive(whole(true), dirBelow(this.#added, grant.below));
      this.#parts.set(name, part);
      return part;
    }
    return this.guarded(name, whole(!mayAddTo(rights, name) || !canWrite(this.#below)));
  }

  /** Wraps a readable archive so that only a client with the right may append. */
  guarded(name: string, archive: Archive): Archive {
    return new GuardedArchive(archive, () => {
      this.#require();
      if (!mayAddTo(this.#holder.rights, name)) throw this.#lacks(`append to archive "${name}"`, `add=${name}`);
    });
  }

  async #list(options?: OpOptions): Promise<readonly string[] | undefined> {
    this.#require();
    const names = await capability(this.#below, 'archives')?.list?.(options);
    return names?.filter((name) => readGrant(this.#holder.rights, name) !== undefined);
  }

  async #open(options: OpOptions): Promise<ReadonlyMap<string, Archive>> {
    return new Map(((await this.#list(options)) ?? []).map((name) => [name, this.#archive(name)]));
  }

  #requireAdd(): void {
    this.#require();
    if (this.#holder.rights.adds.length === 0) throw this.#lacks('add to Store', 'add');
  }

  /**
   * @throws {VtError} EPERM if the client's line was removed or changed
   * @throws {VtError} EUNSUPPORTED for partial rights to a sealed Store
   */
  #require(): void {
    if (!this.#isAllowed()) throw noLonger(this.#holder);
    if (this.#granted === undefined || this.hashName !== 'sealed') return;
    // The server cannot read sealed Dirs, and adding a sealed Block does not prove knowing its content.
    throw new VtError('EUNSUPPORTED', `open Store "${this.name}": it is sealed, so rights to only a part of it are useless`, {
      remedy: 'give the right read, or add',
    });
  }

  #lacks(action: string, right: string): RightError {
    return new RightError(`${action}: ${lackOf(this.#holder, right)}`);
  }
}
