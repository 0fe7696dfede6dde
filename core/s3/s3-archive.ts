import type { AllEntriesOptions, Archive, ArchiveEntry, ArchiveLines, MarkedEntry, SeenEntry } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { formatArchiveLine, formatForgottenLine, parseArchiveLine, parseForgottenLine } from '../archive/archive-line.ts';
import type { ArchiveNotes } from '../archive/archive-notes.ts';
import { checkDrop } from '../archive/check-drop.ts';
import { ParseError, ReadOnlyError, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { EntryKey } from './archive-keys.ts';
import { archivePrefix, forgottenKey, newEntryKey, parseEntryKey } from './archive-keys.ts';
import type { ListedObject } from './list-objects.ts';
import { listObjects } from './list-objects.ts';
import { withPrefixLock } from './prefix-lock.ts';
import type { S3Client } from './s3-client.ts';

/** Maximum octets of an entry. */
const MAX_ENTRY_SIZE = 16 * 1024 * 1024;
/** Entries fetched concurrently. */
const AT_ONCE = 32;

/** The parts of a Store that an archive uses. */
export interface ArchiveStore {
  readonly client: S3Client;
  readonly isReadOnly: boolean;
  /** This machine's cache of entry lines, by object and tag. */
  readonly cache: {
    get(name: string): string | undefined;
    put(lines: readonly (readonly [name: string, line: string])[]): Promise<void>;
  };
  /** Makes sure that all Blocks which were added or relied on still exist. Called before an entry is stored. */
  confirm(options: OpOptions): Promise<void>;
  /** Creates the Store if it does not exist. */
  make(options: OpOptions): Promise<void>;
}

/** An entry and its object. */
interface Place extends EntryKey {
  readonly tag: string;
}

/** An archive in a bucket: each entry is an object, which never changes except for its notes. */
export class S3Archive implements Archive {
  readonly name: string;
  readonly lines: ArchiveLines;
  readonly #store: ArchiveStore;
  readonly #prefix: string;

  constructor(name: string, store: ArchiveStore) {
    this.name = `${store.client.name}:${name}`;
    this.#store = store;
    this.#prefix = archivePrefix(name);
    this.lines = {
      drop: async (entries, options = {}) => await this.#drop(entries, options),
      setNotes: async (entry, change, options = {}) => await this.#setNotes(entry, change, options),
    };
  }

  async last(options: OpOptions & { readonly onDamage?: (reason: string) => void } = {}): Promise<ArchiveEntry | undefined> {
    return await this.#newest(await this.#places(options), options);
  }

  async *entries(options: AllEntriesOptions = {}): AsyncGenerator<ArchiveEntry, void, undefined> {
    const places = await this.#places(options, options.withForgotten === true);
    let number = 0;
    for (let first = 0; first < places.length; first += AT_ONCE) {
      const part = places.slice(first, first + AT_ONCE);
      for (const [i, line] of (await this.#read(part, options)).entries()) {
        if (line instanceof VtError) options.onDamage?.(first + i + 1, line.message);
        else if (part[i]?.isForgotten === true) yield { ...line, number, isForgotten: true };
        else yield { ...line, number: ++number };
      }
    }
  }

  async append(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    options: OpOptions = {},
  ): Promise<ArchiveEntry | undefined> {
    if (this.#store.isReadOnly) throw new ReadOnlyError('append to archive', this.name);
    const { client } = this.#store;
    await this.#store.make(options);
    return await withPrefixLock(
      client,
      { prefix: this.#prefix, action: 'append to an archive of' },
      async ({ objects, check }) => {
        const places = this.#placesOf(objects);
        const line = await decide(await this.#newest(places, options));
        if (line === undefined) return undefined;
        await this.#store.confirm(options);
        check();
        const key = newEntryKey(this.#prefix, places.at(-1)?.order, Date.now());
        await client.put(key, encodeLine(formatArchiveLine(line)), options);
        return { ...line, number: places.length + 1 };
      },
      options,
    );
  }

  async #drop(entries: readonly MarkedEntry[], options: OpOptions): Promise<void> {
    await this.#change(options, async (places, lines) => {
      const found = entries.map((entry) => {
        const at = this.#find(lines, entry);
        checkDrop(entry, lines[at] as ArchiveLine, entry.number === lines.length);
        return at;
      });
      for (const at of found) {
        const { key } = places[at] as Place;
        await this.#store.client.put(forgottenKey(key), encodeLine(formatForgottenLine(lines[at] as ArchiveLine)), options);
        await this.#store.client.delete(key, options);
      }
    });
  }

  async #setNotes(entry: SeenEntry, change: (notes: ArchiveNotes | undefined) => ArchiveNotes, options: OpOptions): Promise<void> {
    await this.#change(options, async (places, lines) => {
      const at = this.#find(lines, entry);
      const line = lines[at] as ArchiveLine;
      const text = formatArchiveLine({ ...line, notes: change(line.notes) });
      await this.#store.client.put((places[at] as Place).key, encodeLine(text), options);
    });
  }

  async #change(options: OpOptions, change: (places: readonly Place[], lines: readonly ArchiveLine[]) => Promise<void>): Promise<void> {
    if (this.#store.isReadOnly) throw new ReadOnlyError('change archive', this.name);
    await withPrefixLock(
      this.#store.client,
      { prefix: this.#prefix, action: 'change an archive of' },
      async ({ objects, check }) => {
        const all = this.#placesOf(objects);
        const read = await this.#read(all, options);
        const isRead = (_: unknown, i: number): boolean => !(read[i] instanceof VtError);
        check();
        await change(
          all.filter(isRead),
          read.filter((line): line is ArchiveLine => !(line instanceof VtError)),
        );
      },
      options,
    );
  }

  #find(lines: readonly ArchiveLine[], { number, whenNs }: SeenEntry): number {
    if (lines[number - 1]?.whenNs === whenNs) return number - 1;
    throw new VtError('EFAILED', `root ${number} of archive "${this.name}" was changed meanwhile; nothing was done`, {
      remedy: 'see log, then try again',
    });
  }

  async #newest(
    places: readonly Place[],
    options: OpOptions & { readonly onDamage?: (reason: string) => void },
  ): Promise<ArchiveEntry | undefined> {
    let unreadable = 0;
    for (let at = places.length - 1; at >= 0; at--) {
      const [line] = await this.#read([places[at] as Place], options);
      if (line !== undefined && !(line instanceof VtError)) return { ...line, number: at + 1 };
      if (line !== undefined) options.onDamage?.(line.message);
      unreadable++;
    }
    if (unreadable > 0) options.onDamage?.(`none of ${unreadable} entries can be read`);
    return undefined;
  }

  async #places(options: OpOptions, withForgotten = false): Promise<Place[]> {
    const objects: ListedObject[] = [];
    for await (const object of listObjects(this.#store.client, this.#prefix, options)) objects.push(object);
    return this.#placesOf(objects, withForgotten);
  }

  /** Finds the entries among objects. An entry can have two objects while it is being forgotten. */
  #placesOf(objects: readonly ListedObject[], withForgotten = false): Place[] {
    const places = objects.flatMap(({ key, tag }) => {
      const found = parseEntryKey(this.#prefix, key);
      return found === undefined ? [] : [{ ...found, tag }];
    });
    const forgotten = new Set(places.filter(({ isForgotten }) => isForgotten).map(({ key }) => key));
    return places.filter(({ key, isForgotten }) => (isForgotten ? withForgotten : !forgotten.has(forgottenKey(key))));
  }

  /** Reads entries; an error in place of each that is unreadable. */
  async #read(places: readonly Place[], options: OpOptions): Promise<(ArchiveLine | VtError)[]> {
    const { client, cache } = this.#store;
    const fresh: (readonly [string, string])[] = [];
    const found = await Promise.all(
      places.map(async ({ key, tag, isForgotten }) => {
        const name = `${key} ${tag}`;
        let text = cache.get(name);
        if (text === undefined) {
          text = (await client.get(key, { ...options, maxSize: MAX_ENTRY_SIZE }))?.toString('latin1') ?? '';
          fresh.push([name, text]);
        }
        return parseEntry(text, isForgotten, key);
      }),
    );
    if (fresh.length > 0) await cache.put(fresh);
    return found;
  }
}

function encodeLine(line: string): Buffer {
  return Buffer.from(`${line}\n`, 'latin1');
}

function parseEntry(text: string, isForgotten: boolean, key: string): ArchiveLine | VtError {
  const line = text.replace(/\n$/, '');
  try {
    const found = isForgotten ? parseForgottenLine(line) : parseArchiveLine(line);
    return found ?? new ParseError(`read archive entry "${key}": it is empty`, 0);
  } catch (error) {
    if (error instanceof VtError) return error;
    throw error;
  }
}
