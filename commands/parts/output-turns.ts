import { EventTurns } from '../../core/base/event-turns.ts';
import type { TreeContext } from '../command.ts';

/** Lines printed between waits for the reader: more than a pager shows at a time. */
const MAX_LINES = 256;

const NOTHING = new Uint8Array(0);

/**
 * Lets the reader of a command's results keep up, and notices when it has gone. Otherwise the results of a huge tree would fill the memory.
 */
export class OutputTurns {
  readonly #context: Pick<TreeContext, 'output' | 'signal'>;
  readonly #turns = new EventTurns();
  #lines = 0;

  constructor(context: Pick<TreeContext, 'output' | 'signal'>) {
    this.#context = context;
  }

  /** Call it before each line. @returns a promise to wait for, or mostly undefined; it rejects if the command was cancelled */
  next(): Promise<void> | undefined {
    const { output, signal } = this.#context;
    if (++this.#lines % MAX_LINES === 0) return output.bytes(NOTHING).then(() => this.#turns.next(signal));
    return this.#turns.next(signal);
  }
}
