import type { Archive } from '../archive/archive.ts';
import { ReadOnlyError, VtError } from '../base/errors.ts';
import { octetsFromText, octetsToText } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { HashName } from '../block/hash.ts';
import { EMPTY_ROOT } from '../dirent/empty-root.ts';
import { archiveOf } from '../store/archive-of-store.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';
import type { Credential, KeySlots } from './key-slots.ts';
import { formatSlots, newSlots, parseSlots, unwrapMaster } from './key-slots.ts';

/** The archive of the Store below that contains the key slots. */
const KEYS_ARCHIVE = 'keys';
const KEYS_NOTE = 'keys';
/** Each state of the key slots is written this many times, so that one damaged line locks nobody out. */
const COPIES = 2;

/** The parts of a key ring. */
export interface KeyRingParts {
  /** The Store below, which contains the sealed Blocks. */
  readonly below: Store;
  /** The name of the sealed Store, for messages. */
  readonly name: string;
  readonly credential: Credential;
  /** Describes the credential in messages: `the key in "…"`. */
  readonly credentialText: string;
  readonly clock: () => Date;
  readonly onNotice: (notice: string) => void;
  /** The scrypt cost parameter N for new passphrases; default as in the format. */
  readonly cost?: number;
}

/** Reads and writes the key slots of a sealed Store, which the Store below keeps. */
export class KeyRing {
  readonly #parts: KeyRingParts;
  readonly #archive: Archive | undefined;
  /** The key slots if the Store below has no archives, as a memory Store. */
  #inMemory: KeySlots | undefined;

  constructor(parts: KeyRingParts) {
    this.#parts = parts;
    this.#archive = archiveOf(parts.below, KEYS_ARCHIVE);
  }

  /**
   * Reads the Store's key slots; undefined if it has no keys yet.
   *
   * @throws {VtError} ECORRUPT if its keys are missing or cannot be read
   */
  async read(options: OpOptions = {}): Promise<KeySlots | undefined> {
    if (this.#archive === undefined) return this.#inMemory;
    let damage: string | undefined;
    const onDamage = (reason: string): void => {
      damage ??= reason;
    };
    const entry = await this.#archive.last({ ...options, onDamage });
    const note = entry?.notes?.get(KEYS_NOTE);
    if (note !== undefined) {
      if (damage !== undefined)
        this.#parts.onNotice(`Store "${this.#parts.name}": a copy of its keys is damaged (${damage}); another was used`);
      return parseSlots(octetsToText(note));
    }
    const others = (await capability(this.#parts.below, 'archives')?.list?.(options)) ?? [];
    if (damage === undefined && entry === undefined && others.every((name) => name === KEYS_ARCHIVE)) return undefined;
    throw new VtError('ECORRUPT', `read keys of Store "${this.#parts.name}": they are ${damage ?? 'gone'}`, {
      remedy: `restore its archive "${KEYS_ARCHIVE}" from a copy: without it nothing in the Store can be read`,
    });
  }

  /**
   * Unwraps the master key; undefined if the Store has none yet.
   *
   * @throws {VtError} EPERM if the credential opens none of the Store's key slots
   */
  async master(options: OpOptions = {}): Promise<{ readonly master: Buffer; readonly hashName: HashName } | undefined> {
    const slots = await this.read(options);
    if (slots === undefined) return undefined;
    const { name, credential, credentialText } = this.#parts;
    const master = await unwrapMaster(slots, credential);
    if (master !== undefined) return { master, hashName: slots.hashName };
    throw new VtError('EPERM', `open Store "${name}": ${credentialText} is not one of the Store's keys`, {
      remedy: 'without one of its keys nothing in a sealed Store can be read',
    });
  }

  /**
   * Creates the keys of a Store without keys. If another session does so at the same time, the first keys are used.
   *
   * @param candidate - the proposed master key, 32 octets
   * @throws {VtError} EFAILED if the keys were not stored, EPERM if another session's keys do not fit the credential
   */
  async make(
    hashName: HashName,
    candidate: Uint8Array,
    options: OpOptions = {},
  ): Promise<{ readonly master: Buffer; readonly hashName: HashName }> {
    const { credential, clock, cost } = this.#parts;
    const fresh = await newSlots(credential, hashName, {
      nowSeconds: Math.floor(clock().getTime() / 1000),
      master: candidate,
      ...(cost === undefined ? {} : { cost }),
    });
    await this.#write((slots) => slots ?? fresh, options);
    const made = await this.master(options);
    if (made === undefined) throw new VtError('EFAILED', `make Store "${this.#parts.name}": its keys were not stored`);
    return made;
  }

  /**
   * Copies the key slots of another Store into this one, which must have none. Both then seal with the same keys.
   *
   * @throws {VtError} EFAILED if this Store has other keys
   */
  async adopt(slots: KeySlots, options: OpOptions = {}): Promise<void> {
    await capability(this.#parts.below, 'making')?.make();
    await this.#write((own) => {
      if (own === undefined) return slots;
      throw new VtError('EFAILED', `share keys with Store "${this.#parts.name}": it has keys of its own`, {
        remedy: 'share them before the first put',
      });
    }, options);
  }

  /** Changes the key slots. Removes earlier states if the Store below supports that. @throws {VtError} EFAILED if there are no keys yet */
  async change(change: (slots: KeySlots) => KeySlots, options: OpOptions = {}): Promise<void> {
    await this.#write((slots) => {
      if (slots === undefined) throw new VtError('EFAILED', `change keys of Store "${this.#parts.name}": it has none yet`);
      return change(slots);
    }, options);
    const lines = this.#archive?.lines;
    if (this.#archive === undefined || lines === undefined) return;
    const old = [];
    for await (const entry of this.#archive.entries(options)) old.push(entry);
    await lines.drop(old.slice(0, -COPIES), options);
  }

  async #write(change: (slots: KeySlots | undefined) => KeySlots, options: OpOptions): Promise<void> {
    if (this.#archive === undefined) {
      this.#inMemory = change(this.#inMemory);
      return;
    }
    const before = await this.read(options);
    const next = change(before);
    if (next === before) return;
    const { below, name, clock } = this.#parts;
    if (capability(below, 'access')?.write === false) throw new ReadOnlyError('change keys of', name);
    let isFirst = true;
    for (let copy = 0; copy < COPIES; copy++) {
      const appended = await this.#archive.append(async (last) => {
        const note = last?.notes?.get(KEYS_NOTE);
        const isAsSeen = note === (before === undefined ? undefined : octetsFromText(formatSlots(before)));
        if (isFirst && !isAsSeen) return undefined;
        isFirst = false;
        const whenNs = BigInt(clock().getTime()) * 1_000_000n + BigInt(copy);
        return await Promise.resolve({
          whenNs,
          dirent: EMPTY_ROOT,
          notes: new Map([[KEYS_NOTE, octetsFromText(formatSlots(next))]]),
        });
      }, options);
      if (appended !== undefined) continue;
      // Another session has changed them meanwhile.
      return await this.#write(change, options);
    }
  }
}
