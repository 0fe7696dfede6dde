import { descriptorLimit } from '../base/system/descriptor-limit.ts';

/** Maximum open directories. More bring no advantage, even if each small file of a batch is in another directory. */
const MAX_OPEN = 1024;
const MIN_OPEN = 16;

/** Counts the open directories of an import, and keeps them below the system's limit. */
export class OpenDirs {
  readonly #max = Math.max(MIN_OPEN, Math.min(MAX_OPEN, Math.floor(descriptorLimit() / 4)));
  #count = 0;
  #wake: (() => void) | undefined;

  /** How many directories on the walk's path may be open. */
  get maxLevels(): number {
    return Math.floor(this.#max / 4);
  }

  /** Whether the walk should await `room` before the next directory. */
  get isFull(): boolean {
    return this.#count >= this.#max;
  }

  /** Resolves when at most half of the maximum are open. Only one caller may wait at a time. */
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
