import { Transform } from 'node:stream';

/** The keys that act at once: Ctrl-C and Ctrl-Z. */
const CANCEL = '\x03';
const SUSPEND = '\x1a';

/** Keys up to a Tab or the end of a line. A completion takes a moment, for which readline pauses its input: what follows is another chunk. */
const PART = /^[^\t\r\n]*(?:\t|\r\n?|\n)?/;

/**
 * Passes keys on up to the end of a line, and holds back the others until {@link release}. So text typed ahead appears at the prompt
 * that reads it, and not in the output of a running command. Ctrl-C drops what is held, and passes at once, as Ctrl-Z does.
 */
export class HeldKeys extends Transform {
  #held = '';
  #isHolding = false;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#held += chunk.toString('utf8');
    this.#pass();
    done();
  }

  /** Passes the next line on: the command of the one before has ended. */
  release(): void {
    this.#isHolding = false;
    this.#pass();
  }

  #pass(): void {
    while (!this.#isHolding && this.#held !== '') {
      const [part = ''] = PART.exec(this.#held) ?? [];
      this.#held = this.#held.slice(part.length);
      this.#isHolding = /[\r\n]$/.test(part);
      this.push(part);
    }
    if (this.#isHolding) this.#passSignals();
  }

  #passSignals(): void {
    const cancel = this.#held.lastIndexOf(CANCEL);
    if (cancel >= 0) {
      this.#held = this.#held.slice(cancel + 1);
      this.push(CANCEL);
    }
    if (this.#held.includes(SUSPEND)) {
      this.#held = this.#held.replaceAll(SUSPEND, '');
      this.push(SUSPEND);
    }
  }
}
