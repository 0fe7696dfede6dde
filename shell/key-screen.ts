import { emitKeypressEvents, type Key } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import type { Screen } from '../commands/screen.ts';
import { VtError } from '../core/base/errors.ts';
import { LinkedAbort } from '../core/base/linked-abort.ts';

// Control sequences of terminals: ECMA-48, and xterm's alternate screen.
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_REST_OF_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const REVERSE = '\x1b[7m';
const PLAIN = '\x1b[0m';

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/** The alternate screen of a terminal, and its keys one by one. Disposing it restores both. */
export class KeyScreen implements Screen, Disposable {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #shown: (text: string) => string;
  readonly #abort: LinkedAbort;
  readonly #keys: string[] = [];
  #waiting: (() => void) | undefined;

  /** @param shown - makes a line safe for the terminal */
  constructor(input: ReadStream, output: WriteStream, shown: (text: string) => string, signal: AbortSignal) {
    this.#input = input;
    this.#output = output;
    this.#shown = shown;
    this.#abort = new LinkedAbort(signal);
    this.#abort.signal.addEventListener('abort', this.#wake, { once: true });
    emitKeypressEvents(input);
    input.setRawMode(true);
    input.on('keypress', this.#onKey);
    input.on('end', this.#onEnd);
    input.resume();
    output.on('resize', this.#onResize);
    output.write(ENTER);
  }

  get columns(): number {
    return this.#output.columns || DEFAULT_COLUMNS;
  }

  get rows(): number {
    return this.#output.rows || DEFAULT_ROWS;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  draw(lines: readonly string[], marked?: number): void {
    const rows = lines.slice(0, this.rows).map((line, at) => {
      const text = this.#shown(line);
      return `${at === marked ? `${REVERSE}${text}${PLAIN}` : text}${CLEAR_REST_OF_LINE}`;
    });
    this.#output.write(`${HOME}${rows.join('\r\n')}${CLEAR_BELOW}`);
  }

  async key(): Promise<string | undefined> {
    while (this.#keys.length === 0 && !this.signal.aborted)
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    return this.signal.aborted ? undefined : this.#keys.shift();
  }

  [Symbol.dispose](): void {
    this.#input.off('keypress', this.#onKey);
    this.#input.off('end', this.#onEnd);
    this.#output.off('resize', this.#onResize);
    this.#input.pause();
    this.#input.setRawMode(false);
    this.#output.write(LEAVE);
    this.#abort[Symbol.dispose]();
  }

  readonly #wake = (): void => this.#waiting?.();

  readonly #onEnd = (): void => this.#abort.abort(new VtError('ECANCELLED', 'the terminal is gone'));

  readonly #onResize = (): void => this.#push('resize');

  readonly #onKey = (text: string | undefined, { name, ctrl = false }: Key): void => {
    if (ctrl && name === 'c') this.#abort.abort(new VtError('ECANCELLED', 'cancelled'));
    else if (text !== undefined && /^[!-~]$/.test(text)) this.#push(text);
    else if (!ctrl && name !== undefined) this.#push(name);
  };

  #push(key: string): void {
    this.#keys.push(key);
    this.#wake();
  }
}
