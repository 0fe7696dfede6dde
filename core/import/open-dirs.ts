import { descriptorLimit } from '../base/system/descriptor-limit.ts';

/** More open directories than this gain nothing: each small file of as many batches can be in another. */
const MAX_OPEN = 1024;
const MIN_OPEN = 16;

/** Counts the directories that an import has open, so that there is an end to them before the system's own. */
export class OpenDirs {
  readonly #max = Math.max(MIN_OPEN, Math.min(MAX_OPEN, Math.floor(descriptorLimit() / 4)));
  #count = 0;
  #wake: (() => void) | undefined;

  /** How many levels of the walk may be open at a time. */
  get maxLevels(): number {
    return Math.floor(this.#max / 4);
  }

  /** Whether the walk of a tree should await `room` before the next directory. */
  get isFull(): boolean {
    return this.#count >= this.#max;
  }

  /** Resolves when half of them are closed. To be called by one at a time. */
  room(): Promise<void> {
    if (this.#count <= this.#max / 2) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  opened(): void {
    this.#count++;
  }

  closed(): void {
    this.#count--;
    if (this.#wake === undefined || this.#count > this.#max / 2) return;
    this.#wake();
    this.#wake = undefined;
  }
}
