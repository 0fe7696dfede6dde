import type { AllEntriesOptions, Archive, ArchiveEntry, ArchiveLines, EntriesOptions, MarkedEntry, SeenEntry } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { formatArchiveLine, parseArchiveLine } from '../archive/archive-line.ts';
import type { ArchiveNotes } from '../archive/archive-notes.ts';
import { notesField } from '../archive/archive-notes.ts';
import { checkDrop, SEAL_NOTE } from '../archive/check-drop.ts';
import { newestFirst } from '../archive/newest-first.ts';
import { VtError } from '../base/errors.ts';
import { octetsFromText, octetsToText } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { EMPTY_ROOT } from '../dirent/empty-root.ts';
import type { SealKeys } from './seal-keys.ts';
import { openValue, sealValue } from './seal-value.ts';

/** The Store below, as a sealed archive uses it. */
export interface SealedArchivePlace {
  /** For messages. */
  readonly name: string;
  /** The archive of the Store below and the keys; undefined while the Store has no keys. */
  readonly opened: () => OpenedArchive | undefined;
  /** Creates the Store and the keys. */
  readonly make: (options: OpOptions) => Promise<void>;
  /** Any archive of the Store below: it shows which optional methods all of them have. */
  readonly alike: Archive;
}

interface OpenedArchive {
  readonly below: Archive;
  readonly keys: SealKeys;
}

/**
 * An archive with sealed lines. Each is stored as a line of the same time with the empty tree; a note contains the sealed original.
 * Without a key, a reader sees the number of lines, their times and lengths.
 */
export class SealedArchive implements Archive {
  readonly name: string;
  readonly lines?: ArchiveLines;
  readonly newestFirst?: (options?: EntriesOptions) => AsyncIterable<ArchiveEntry>;
  readonly #archive: string;
  readonly #place: SealedArchivePlace;

  /** @param archive - its name, to which its lines are bound: they cannot be moved to another archive */
  constructor(archive: string, place: SealedArchivePlace) {
    this.name = place.name;
    this.#archive = archive;
    this.#place = place;
    if (place.alike.lines !== undefined)
      this.lines = {
        drop: async (entries, options) => await this.#drop(entries, options),
        setNotes: async (entry, change, options) => await this.#setNotes(entry, change, options),
      };
    if (place.alike.newestFirst !== undefined) this.newestFirst = (options = {}) => this.#newestFirst(options);
  }

  async last(options: OpOptions & { readonly onDamage?: (reason: string) => void } = {}): Promise<ArchiveEntry | undefined> {
    const opened = this.#place.opened();
    const found = await opened?.below.last(options);
    if (opened === undefined || found === undefined) return undefined;
    const entry = this.#openEntry(found, opened);
    if (!(entry instanceof VtError)) return entry;
    options.onDamage?.(entry.message);
    let last: ArchiveEntry | undefined;
    for await (const before of this.entries({ signal: options.signal })) last = before;
    return last;
  }

  async *entries(options: AllEntriesOptions = {}): AsyncGenerator<ArchiveEntry, void, undefined> {
    const opened = this.#place.opened();
    if (opened === undefined) return;
    let at = 0;
    for await (const found of opened.below.entries(options)) {
      at++;
      const entry = this.#openEntry(found, opened);
      if (entry instanceof VtError) options.onDamage?.(at, entry.message);
      else yield entry;
    }
  }

  async *#newestFirst(options: EntriesOptions): AsyncGenerator<ArchiveEntry, void, undefined> {
    const opened = this.#place.opened();
    if (opened === undefined) return;
    for await (const found of newestFirst(opened.below, options)) {
      const entry = this.#openEntry(found, opened);
      if (entry instanceof VtError) options.onDamage?.(found.number, entry.message);
      else yield entry;
    }
  }

  async append(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    options: OpOptions = {},
  ): Promise<ArchiveEntry | undefined> {
    await this.#place.make(options);
    const opened = this.#required();
    let appended: ArchiveLine | undefined;
    const entry = await opened.below.append(async (found) => {
      const last = found === undefined ? undefined : this.#openEntry(found, opened);
      // Skip a line that cannot be opened, like one that is unreadable.
      appended = await decide(last instanceof VtError ? await this.last(options) : last);
      if (appended === undefined) return undefined;
      return { whenNs: appended.whenNs, dirent: EMPTY_ROOT, notes: this.#sealedNotes(appended, opened) };
    }, options);
    return entry === undefined || appended === undefined ? undefined : { ...appended, number: entry.number };
  }

  #required(): OpenedArchive {
    const opened = this.#place.opened();
    if (opened === undefined) throw new VtError('EFAILED', `change archive "${this.name}": it does not exist yet`);
    return opened;
  }

  async #setNotes(entry: SeenEntry, change: (notes: ArchiveNotes | undefined) => ArchiveNotes, options: OpOptions = {}): Promise<void> {
    const opened = this.#required();
    const sealed = (notes: ArchiveNotes | undefined): ArchiveNotes => {
      const line = this.#open({ whenNs: entry.whenNs, dirent: EMPTY_ROOT, ...notesField(notes) }, opened);
      if (line instanceof VtError) throw line;
      const { whenNs, dirent } = line;
      return this.#sealedNotes({ whenNs, dirent, ...notesField(change(line.notes)) }, opened);
    };
    await opened.below.lines?.setNotes(entry, sealed, options);
  }

  async #drop(entries: readonly MarkedEntry[], options: OpOptions = {}): Promise<void> {
    const opened = this.#required();
    const kept: ArchiveEntry[] = [];
    for await (const entry of opened.below.entries(options)) kept.push(entry);
    const seen = entries.map((entry) => {
      const found = kept[entry.number - 1];
      if (found?.whenNs !== entry.whenNs)
        throw new VtError('EFAILED', `root ${entry.number} of archive "${this.name}" was changed meanwhile; nothing was done`, {
          remedy: 'see log, then try again',
        });
      const line = this.#open(found, opened);
      if (line instanceof VtError) throw line;
      checkDrop(entry, line, entry.number === kept.length);
      return found;
    });
    // The Store below checks under its lock that each line is still the same.
    await opened.below.lines?.drop(seen, options);
  }

  #sealedNotes(line: ArchiveLine, { keys }: OpenedArchive): ArchiveNotes {
    const text = Buffer.from(formatArchiveLine(line), 'latin1');
    return new Map([[SEAL_NOTE, octetsFromText(sealValue(keys.values.entry, this.#sealPlace, text).toString('base64'))]]);
  }

  #openEntry(entry: ArchiveEntry, opened: OpenedArchive): ArchiveEntry | VtError {
    const line = this.#open(entry, opened);
    if (line instanceof VtError) return line;
    const { number, isForgotten } = entry;
    return isForgotten === true ? { ...line, number, isForgotten } : { ...line, number };
  }

  #open({ whenNs, notes }: ArchiveLine, { keys }: OpenedArchive): ArchiveLine | VtError {
    const note = notes?.get(SEAL_NOTE);
    const text = note && openValue(keys.values.entry, this.#sealPlace, Buffer.from(octetsToText(note), 'base64'));
    const damaged = (what: string): VtError => new VtError('ECORRUPT', `read line of archive "${this.name}": ${what}`);
    if (text === undefined) return damaged('its seal is broken');
    try {
      const line = parseArchiveLine(text.toString('latin1'));
      return line?.whenNs === whenNs ? line : damaged('its time is not that of its seal');
    } catch (error) {
      if (error instanceof VtError) return damaged(error.message);
      throw error;
    }
  }

  get #sealPlace(): string {
    return `entry of ${this.#archive}`;
  }
}
