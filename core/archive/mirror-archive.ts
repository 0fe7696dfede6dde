import { ReadOnlyError, throwIfCancelled } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { AllEntriesOptions, Archive, ArchiveEntry } from './archive.ts';
import type { ArchiveLine } from './archive-line.ts';
import { notesField } from './archive-notes.ts';
import { catchUp } from './catch-up.ts';
import { newestFirst } from './newest-first.ts';

/** One of several archives with the same name, and the name of its Store. */
export interface ArchiveMember {
  readonly store: string;
  readonly archive: Archive;
}

/** The archives that form one. They are looked up at each operation, because Stores may appear and disappear. */
export interface ArchiveMembers {
  /** Each of these gets every entry. */
  readonly save: readonly ArchiveMember[];
  /** The first of these that accepts an entry gets it, if none of `save` accepts it at present. */
  readonly spool: readonly ArchiveMember[];
  /** Older histories, read only. Only the first that has entries is used. */
  readonly before: readonly ArchiveMember[];
}

type Damage = { readonly onDamage?: (reason: string) => void };

interface Newest {
  readonly member: ArchiveMember;
  readonly entry: ArchiveEntry;
}

/**
 * The archives of one name in several Stores, as one archive. Its newest entry is the newest of any. An entry is appended to the first
 * archive that accepts it. Each archive of `save` then gets all entries that it lacks.
 */
export class MirrorArchive implements Archive {
  readonly name: string;
  readonly #members: () => ArchiveMembers;
  readonly #onNotice: (notice: string) => void;

  constructor(name: string, members: () => ArchiveMembers, onNotice: (notice: string) => void) {
    this.name = name;
    this.#members = members;
    this.#onNotice = onNotice;
  }

  async last(options: OpOptions & Damage = {}): Promise<ArchiveEntry | undefined> {
    const newest = await this.#newest(options);
    const before = await this.#before(options);
    if (newest === undefined) return before?.entry;
    if (before === undefined) return newest.entry;
    let earlier = 0;
    for await (const _ of this.#earlier(before, newest, options)) earlier++;
    const { whenNs, dirent, notes, number } = newest.entry;
    return { whenNs, dirent, ...notesField(notes), number: earlier + number };
  }

  async *entries(options: AllEntriesOptions = {}): AsyncGenerator<ArchiveEntry, void, undefined> {
    const { signal } = options;
    const newest = await this.#newest({ signal });
    const before = await this.#before({ signal });
    let number = 0;
    if (before !== undefined) for await (const entry of this.#earlier(before, newest, { signal })) yield { ...entry, number: ++number };
    if (newest !== undefined)
      for await (const entry of newest.member.archive.entries(options)) yield { ...entry, number: number + entry.number };
  }

  async *newestFirst(
    options: OpOptions & { readonly onDamage?: (line: number, reason: string) => void } = {},
  ): AsyncGenerator<ArchiveEntry, void, undefined> {
    const { signal } = options;
    const newest = await this.#newest({ signal });
    const before = await this.#before({ signal });
    // The entries of `before` must be counted first, since numbers begin with them.
    const earlier: ArchiveEntry[] = [];
    if (before !== undefined) for await (const entry of this.#earlier(before, newest, { signal })) earlier.push(entry);
    if (newest !== undefined)
      for await (const entry of newestFirst(newest.member.archive, options)) yield { ...entry, number: earlier.length + entry.number };
    for (let number = earlier.length; number > 0; number--) yield { ...(earlier[number - 1] as ArchiveEntry), number };
  }

  async append(
    decide: (last: ArchiveEntry | undefined) => Promise<ArchiveLine | undefined>,
    options: OpOptions = {},
  ): Promise<ArchiveEntry | undefined> {
    const { save, spool } = this.#members();
    const [first] = [...save, ...spool];
    if (first === undefined) throw new ReadOnlyError('append to archive', this.name);
    let failure: unknown;
    for (const member of [...save, ...spool]) {
      let refusal: { readonly error: unknown } | undefined;
      let seen: ArchiveEntry | undefined;
      const decideOrRefuse = async (last: ArchiveEntry | undefined): Promise<ArchiveLine | undefined> => {
        try {
          seen = last;
          return await decide(last ?? (await this.#before(options))?.entry);
        } catch (error) {
          refusal = { error };
          throw error;
        }
      };
      try {
        await this.#bringUp(member, options);
        const appended = await member.archive.append(decideOrRefuse, options);
        for (const other of save) if (other !== member) await this.#follow(member, other, seen, options);
        return appended;
      } catch (error) {
        throwIfCancelled(options.signal);
        if (refusal !== undefined) throw refusal.error;
        failure ??= error;
        if (save.length + spool.length > 1) this.#tellFailure(member, error);
      }
    }
    throw failure;
  }

  watch(onChange: () => void): () => void {
    const { save, spool, before } = this.#members();
    const ends = [...save, ...spool, ...before].map(({ archive }) => archive.watch?.(onChange));
    return () => {
      for (const end of ends) end?.();
    };
  }

  /** Appends to each archive of `save` the entries that it lacks. Failures are reported as notices. */
  async catchUp(options: OpOptions = {}): Promise<void> {
    for (const member of this.#members().save) {
      try {
        await this.#bringUp(member, options);
      } catch (error) {
        throwIfCancelled(options.signal);
        this.#tellFailure(member, error);
      }
    }
  }

  /** Appends to a member the entries that it lacks of the member with the newest entry. */
  async #bringUp(member: ArchiveMember, options: OpOptions): Promise<void> {
    const newest = await this.#newest(options);
    if (newest === undefined || newest.member.store === member.store) return;
    await this.#copy(newest.member, member, undefined, options);
  }

  async #follow(from: ArchiveMember, to: ArchiveMember, previous: ArchiveEntry | undefined, options: OpOptions): Promise<void> {
    try {
      await this.#copy(from, to, previous, options);
    } catch (error) {
      throwIfCancelled(options.signal);
      this.#tellFailure(to, error);
    }
  }

  async #copy(from: ArchiveMember, to: ArchiveMember, previous: ArchiveEntry | undefined, options: OpOptions): Promise<void> {
    const strange = await catchUp(from.archive, to.archive, previous, options);
    if (strange === undefined) return;
    this.#onNotice(
      `archive "${to.archive.name}" has a root of its own, @${strange.number}, that Store "${from.store}" lacks: merge "${to.store}" takes it in`,
    );
  }

  #tellFailure({ store }: ArchiveMember, error: unknown): void {
    this.#onNotice(
      `Store "${store}": its archive is left behind (${error instanceof Error ? error.message : String(error)}); it catches up later`,
    );
  }

  /** The newest entry in `save` and `spool`. Throws if none of them can be read. */
  async #newest(options: OpOptions & Damage): Promise<Newest | undefined> {
    const { save, spool } = this.#members();
    const members = [...save, ...spool];
    const outcomes = await Promise.allSettled(members.map(async ({ archive }) => await archive.last(options)));
    throwIfCancelled(options.signal);
    let newest: Newest | undefined;
    let answers = 0;
    for (const [i, outcome] of outcomes.entries()) {
      const member = members[i] as ArchiveMember;
      if (outcome.status === 'rejected') {
        this.#onNotice(`Store "${member.store}": its archive cannot be read (${String((outcome.reason as Error).message)})`);
        continue;
      }
      answers++;
      const entry = outcome.value;
      if (entry !== undefined && (newest === undefined || entry.whenNs > newest.entry.whenNs)) newest = { member, entry };
    }
    const [failed] = outcomes.filter((outcome) => outcome.status === 'rejected');
    if (answers === 0 && failed !== undefined) throw failed.reason;
    return newest;
  }

  /** The newest entry in `before`. */
  async #before(options: OpOptions): Promise<Newest | undefined> {
    for (const member of this.#members().before) {
      const entry = await member.archive.last(options);
      if (entry !== undefined) return { member, entry };
    }
    return undefined;
  }

  /** The entries of `before` that are older than the first entry in the member with the newest entry. */
  async *#earlier(before: Newest, newest: Newest | undefined, options: OpOptions): AsyncGenerator<ArchiveEntry, void, undefined> {
    const first = newest === undefined ? undefined : await firstOf(newest.member.archive, options);
    for await (const entry of before.member.archive.entries(options)) {
      if (first !== undefined && entry.whenNs >= first.whenNs) return;
      yield entry;
    }
  }
}

async function firstOf(archive: Archive, options: OpOptions): Promise<ArchiveEntry | undefined> {
  for await (const entry of archive.entries(options)) return entry;
  return undefined;
}
