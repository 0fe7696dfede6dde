import { storeProgressText } from '../../commands/parts/format.ts';
import { ProgressStore } from '../../core/store/progress-store.ts';
import type { Store } from '../../core/store/store.ts';

/** Milliseconds between two frames, at least. */
const FRAME_MS = 100;

/** `--progress=store`: a status line of the traffic of the session's Stores. */
export class StoreProgressLine {
  readonly #write: (text: string) => void;
  readonly #isTerminal: boolean;
  readonly #stores: ProgressStore[] = [];
  readonly #timer: NodeJS.Timeout | undefined;
  #shown = '';

  constructor(options: { readonly write: (text: string) => void; readonly isTerminal: boolean }) {
    this.#write = options.write;
    this.#isTerminal = options.isTerminal;
    // In a file, lines meant to be overwritten would pile up.
    this.#timer = options.isTerminal ? setInterval(() => this.#show(), FRAME_MS).unref() : undefined;
  }

  /** Puts a counter over a Store. */
  over(store: Store): Store {
    const counted = new ProgressStore(store);
    this.#stores.push(counted);
    return counted;
  }

  /** `ADDED:BLOCKS GOT UNDERWAY`, of all Stores together. */
  text(): string {
    const sum = { addBytes: 0, addCount: 0, getBytes: 0, getCount: 0, outstanding: 0 };
    for (const one of this.#stores.map((store) => store.progress())) {
      sum.addBytes += one.addBytes;
      sum.addCount += one.addCount;
      sum.getBytes += one.getBytes;
      sum.getCount += one.getCount;
      sum.outstanding += one.outstanding;
    }
    return storeProgressText(sum);
  }

  #show(): void {
    const text = this.text();
    if (text === this.#shown) return;
    this.#shown = text;
    this.#write(`\r${text}\x1b[K`);
  }

  /** Ends it with a whole line. */
  end(): void {
    clearInterval(this.#timer);
    this.#write(`${this.#isTerminal && this.#shown !== '' ? '\r\x1b[K' : ''}${this.text()}\n`);
  }
}
