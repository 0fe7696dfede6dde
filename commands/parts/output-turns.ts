import { EventTurns } from '../../core/base/event-turns.ts';
import type { TreeContext } from '../command.ts';

/** Lines printed before their reader is waited for: more than a reader of pages shows at a time. */
const MAX_LINES = 256;

const NOTHING = new Uint8Array(0);

/**
 * Lets the reader of a command's results keep up, and notices when it has gone. A made-up tree has so many results that they
 * would else fill the memory.
 */
export class OutputTurns {
  readonly #context: Pick<TreeContext, 'output' | 'signal'>;
  readonly #turns = new EventTurns();
  #lines = 0;

  constructor(context: Pick<TreeContext, 'output' | 'signal'>) {
    this.#context = context;
  }

  /**
   * Called before each line.
   *
   * @returns what has to be waited for first, mostly nothing; it rejects where the command was cancelled meanwhile
   */
  next(): Promise<void> | undefined {
    const { output, signal } = this.#context;
    if (++this.#lines % MAX_LINES === 0) return output.bytes(NOTHING).then(() => this.#turns.next(signal));
    return this.#turns.next(signal);
  }
}
