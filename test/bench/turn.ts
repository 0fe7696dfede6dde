import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Cost } from './measure.ts';
import { measure, settle, storedBytes, touchFreeMemory } from './measure.ts';
import type { Peer } from './peers.ts';

/** Folders of a turn. */
type Place = 'REPO' | 'CACHE' | 'OUT';

/** One measurement. */
export interface Sample {
  readonly part: string;
  readonly program: string;
  readonly op: string;
  readonly round: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** Everything that was measured. */
export class Results {
  readonly samples: Sample[] = [];
  /** Octets that a program's store took, by part, program and what was stored. */
  readonly stored = new Map<string, number>();
  /** What a program did not bring back, or why it was given up. */
  readonly notes = new Map<string, string>();

  /** The times of an operation of one program, one a round. */
  of(part: string, program: string, op: string): Sample[] {
    return this.samples.filter((sample) => sample.part === part && sample.program === program && sample.op === op);
  }
}

/**
 * One program's turn in one round: a fresh store, sources that it finds in the page cache, and a folder of a name that was
 * never used. It is removed at the end, and waited for, so that this burdens nobody else's turn; but for one of many files, which
 * stays until all is measured: ext4 takes no inode that was removed in the last minutes, and looks past all of them for each file
 * that is made (`get` of 20,000 files takes 12 s of system time after as many were removed, and 0.7 without).
 */
export class Turn implements Disposable {
  readonly peer: Peer;
  readonly part: string;
  readonly round: number;
  readonly #results: Results;
  /** Holds the sources. */
  readonly folder: string;
  readonly #places: Readonly<Record<Place, string>>;
  readonly #own: string;
  readonly #stays: boolean;
  #stores = 0;

  /** @param stays - whether what it leaves is removed with all else, by the caller */
  constructor(results: Results, peer: Peer, part: string, round: number, folder: string, stays = false) {
    this.#stays = stays;
    this.#results = results;
    this.peer = peer;
    this.part = part;
    this.round = round;
    this.folder = folder;
    this.#own = join(folder, `turn-${round}-${peer.name.replace(/\W+/g, '-')}`);
    this.#places = { REPO: join(this.#own, 'repo'), CACHE: join(this.#own, 'cache'), OUT: join(this.#own, 'out') };
    for (const place of Object.values(this.#places)) mkdirSync(place, { recursive: true });
    if (peer.init !== undefined) this.#run(`${peer.init} >/dev/null`, 'live');
  }

  /** Stores a source. @param op - under which it is noted; undefined to prepare another */
  put(from: string, op?: string): Cost {
    this.#stores++;
    settle(join(this.folder, from), this.#places.REPO);
    return this.#note(op, this.#run(this.peer.put, from));
  }

  /** Brings back what was stored last; in the first round it is compared with its source. */
  get(from: string, op: string): void {
    settle(this.#places.REPO);
    this.#note(op, this.#run(this.peer.get, from));
    if (this.round > 0) return;
    const args = ['-rlHcn', '--delete', '--itemize-changes', `${this.folder}/${from}/`, `${this.#places.OUT}/${from}/`];
    const differing = spawnSync('rsync', args, { encoding: 'utf8' });
    const lost = differing.stdout.split('\n').filter((line) => /^[<>ch*]/.test(line)).length;
    if (lost > 0) this.#results.notes.set(`${this.part}: ${this.peer.name}`, `${lost} entries are not as they were`);
  }

  /** Reads one file of what was stored, where the program can. @param file - its path in the source */
  one(from: string, file: string, op: string): void {
    if (this.peer.one === undefined) return;
    settle(this.#places.REPO);
    this.#note(op, this.#run(this.peer.one.replaceAll('$FILE', file), from));
  }

  /** Notes how much the store takes now. */
  stored(what: string): number {
    const size = storedBytes(this.#places.REPO);
    this.#results.stored.set(`${this.part}/${this.peer.name}/${what}`, size);
    return size;
  }

  [Symbol.dispose](): void {
    if (!this.#stays) rmSync(this.#own, { recursive: true, force: true });
    settle();
  }

  #note(op: string | undefined, cost: Cost): Cost {
    if (op === undefined) return cost;
    const { seconds, cpuSeconds, peakBytes } = cost;
    this.#results.samples.push({ part: this.part, program: this.peer.name, op, round: this.round, seconds, cpuSeconds, peakBytes });
    return cost;
  }

  #run(line: string, from: string): Cost {
    const expand = (text: string): string => text.replace(/\$(REPO|CACHE|OUT)/g, (_, name: Place) => this.#places[name]);
    const settings = Object.fromEntries(Object.entries(this.peer.env ?? {}).map(([name, value]) => [name, expand(value)]));
    const env = {
      ...this.#places,
      ...settings,
      XDG_CACHE_HOME: this.#places.CACHE,
      HOME: this.#places.CACHE,
      FROM: from,
      N: String(this.#stores),
    };
    touchFreeMemory();
    return measure(line, env, this.folder);
  }
}
