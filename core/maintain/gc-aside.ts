import { DigestTable } from '../block/digest-table.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import type { IndexRewrite } from '../datadir/index/index-types.ts';
import { liveWriters } from '../datadir/writer-presence.ts';
import type { Entry } from './gc-entries.ts';
import type { GcMarks } from './gc-mark.ts';

/** The setting of the index that tells since which generation of the Store what is set aside is. */
const ASIDE_SETTING = 'aside-generation';
/** Entries changed in one transaction. */
const STEP = 16_384;

/** What gc sets aside: Blocks that nobody needs, which no session at work may count on before they go. */
export class GcAside {
  readonly #datadir: Datadir;
  readonly #marks: GcMarks;
  /** Since which generation what an earlier gc set aside is: sessions that began since have not seen it as there. */
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

  /** Sessions at work, as they were looked for last. */
  get sessions(): number {
    return this.#sessions;
  }

  /** An earlier gc set a Block aside. */
  noteBefore(digest: Uint8Array): void {
    this.#before.set(digest);
  }

  /** Looks which sessions are at work. @returns the generation of the Store that each began in */
  lookForSessions(): readonly number[] {
    const { path, ownWriter } = this.#datadir.internals();
    const live = liveWriters(path, ownWriter);
    this.#sessions = live.length;
    return live.map(({ generation }) => generation);
  }

  /**
   * Sets entries aside that nobody reaches, begins a new generation of the Store, and looks which sessions run.
   *
   * @returns a function that says of a Block whether it may go now
   */
  async set(entries: Iterable<Entry> | AsyncIterable<Entry>): Promise<(digest: Uint8Array) => boolean> {
    const { index } = this.#datadir.internals();
    // Only sessions of the generation that begins below have surely seen this.
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
    // A session that ended before the look at the sessions has recorded its root.
    await this.#marks.walk();
    const sinceBefore = generations.every((generation) => generation >= this.#sinceGeneration);
    return (digest) => !this.#marks.has(digest) && (generations.length === 0 || (sinceBefore && this.#before.has(digest)));
  }
}
