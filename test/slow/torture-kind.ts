/** How far a torture goes. */
export interface TortureLimits {
  /** Stop after this many rounds. */
  readonly rounds: number;
  /** Stop after this long, in milliseconds, where rounds are not done by then. */
  readonly maxMs: number;
  /** Of the random numbers. */
  readonly seed: number;
  /** An empty folder, on a fast filesystem, for scratch files. */
  readonly folder: string;
  /** Told of each fault as it is found, with what is needed to see it again. */
  readonly onFault: (fault: string) => void;
}

/** What a torture came to. */
export interface TortureResult {
  readonly rounds: number;
  readonly faults: number;
  /** Figures for people: how many rounds were of which kind. */
  readonly notes: string;
}

/** Something that is done to a Store again and again, and what must hold after each time. */
export interface Torture {
  readonly name: string;
  /** What is done, in a few words for the table. */
  readonly does: string;
  /** What must hold. */
  readonly promise: string;
  /** Rounds of a full run. */
  readonly fullRounds: number;
  readonly run: (limits: TortureLimits) => Promise<TortureResult>;
  /** Why it cannot run here, or undefined. */
  readonly unable?: () => string | undefined;
}

/** Counts rounds by kind, faults, and tells when to stop. */
export class TortureTally {
  readonly #limits: TortureLimits;
  readonly #startMs = performance.now();
  readonly #kinds = new Map<string, number>();
  rounds = 0;
  faults = 0;

  constructor(limits: TortureLimits) {
    this.#limits = limits;
  }

  /** Whether another round is due. */
  get goesOn(): boolean {
    return this.rounds < this.#limits.rounds && performance.now() - this.#startMs < this.#limits.maxMs;
  }

  /** Counts a round of a kind. */
  count(kind: string): void {
    this.rounds++;
    this.note(kind);
  }

  /** Counts something that is no round of its own. */
  note(kind: string, by = 1): void {
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + by);
  }

  /** Tells of a fault. */
  fault(what: string): void {
    this.faults++;
    this.#limits.onFault(`seed ${this.#limits.seed}, round ${this.rounds}: ${what}`);
  }

  result(more = ''): TortureResult {
    const kinds = [...this.#kinds].map(([kind, count]) => `${count} ${kind}`).join(', ');
    return { rounds: this.rounds, faults: this.faults, notes: [kinds, more].filter((text) => text !== '').join('; ') };
  }
}
