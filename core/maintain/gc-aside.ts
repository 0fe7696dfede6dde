import { DigestTable } from '../block/digest-table.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import type { IndexRewrite } from '../datadir/index/index-types.ts';
import { liveWriters } from '../datadir/writer-presence.ts';
import type { Entry } from './gc-entries.ts';
import type { GcMarks } from './gc-mark.ts';

/** The setting of the index with the generation of the Store since which Blocks are set aside. */
const ASIDE_SETTING = 'aside-generation';
/** Entries per transaction. */
const STEP = 16_384;

/**
 * Sets unneeded Blocks aside: they count as absent when they are added again. They may be removed once no running session can rely on them.
 */
export class GcAside {
  readonly #datadir: Datadir;
  readonly #marks: GcMarks;
  /** The generation since which the Blocks of an earlier gc are set aside: sessions that began since then saw them as absent. */
  readonly #sinceGeneration: number;
  readonly #before: DigestTable;
  #sessions = 0;

  constructor(datadir: Datadir, marks: GcMarks) {
    const { hash, index } = datadir.internals();
    this.#datadir = datadir;
    this.#marks = marks;
    this.#sinceGeneration = Number(index.setting(ASIDE_SETTING) ?? Number.NaN);
    this.#before = new DigestTable(hash.digestSize);
  }

  /** The number of running sessions at the last check. */
  get sessions(): number {
    return this.#sessions;
  }

  /** Notes a Block that an earlier gc set aside. */
  noteBefore(digest: Uint8Array): void {
    this.#before.set(digest);
  }

  /** Finds the running sessions. @returns the generation of the Store in which each began */
  lookForSessions(): readonly number[] {
    const { path, ownWriter } = this.#datadir.internals();
    const live = liveWriters(path, ownWriter);
    this.#sessions = live.length;
    return live.map(({ generation }) => generation);
  }

  /**
   * Sets unreachable entries aside, begins a new generation of the Store, and finds the running sessions.
   *
   * @returns a function that tells whether a Block may be removed now
   */
  async set(entries: Iterable<Entry> | AsyncIterable<Entry>): Promise<(digest: Uint8Array) => boolean> {
    const { index } = this.#datadir.internals();
    // Only sessions that begin in the next generation are sure to see this.
    const next = String(index.generation + 1);
    let changes: IndexRewrite[] = [];
    const put = async (): Promise<void> => {
      if (changes.length > 0) index.rewrite(changes, new Map(), { [ASIDE_SETTING]: next });
      changes = [];
      await index.compact();
    };
    for await (const [digest, location] of entries) {
      if (location.isDamaged === true) continue;
      changes.push({ digest, from: location, to: { ...location, isDamaged: true } });
      if (changes.length >= STEP) await put();
    }
    await put();
    index.beginGeneration();
    const generations = this.lookForSessions();
    // A session that ended before that check has recorded its root.
    await this.#marks.walk();
    const sinceBefore = generations.every((generation) => generation >= this.#sinceGeneration);
    return (digest) => !this.#marks.has(digest) && (generations.length === 0 || (sinceBefore && this.#before.has(digest)));
  }
}
