import type { Sink } from '../output/sink.ts';
import type { TerminalHolder } from '../services.ts';

/** Bytes held back, at most. */
const HELD_BYTES = 64 * 1024;

/** Prints a job's output as whole lines above the prompt, which is redrawn below them. */
export class BesideSink implements Sink {
  readonly #below: Sink;
  readonly #terminal: TerminalHolder;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isScheduled = false;

  constructor(below: Sink, terminal: TerminalHolder) {
    this.#below = below;
    this.#terminal = terminal;
  }

  write(data: Uint8Array): void {
    this.#held.push(data.slice());
    this.#heldBytes += data.length;
    if (this.#heldBytes >= HELD_BYTES) this.#hand();
    else if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(() => {
        this.#isScheduled = false;
        this.#hand();
      });
    }
  }

  async flush(): Promise<void> {
    this.#hand();
    await this.#below.flush();
  }

  /** The sink below stays open for others. */
  async close(): Promise<void> {
    await this.flush();
  }

  #hand(): void {
    if (this.#heldBytes === 0) return;
    const data = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#terminal.beside(() => {
      this.#below.write(data);
      // The sink below writes at once; its next flush throws the error, if any.
      void this.#below.flush().catch(() => undefined);
    });
  }
}
