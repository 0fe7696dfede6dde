import type { VtErrorOptions } from '../base/errors.ts';
import { SpecificationError } from './specification.ts';

/** Characters that end an unquoted value. */
const DELIMITERS = /[,|()"]/;

/** Reads a Store specification from left to right. Its errors name the place in the whole text. */
export class SpecificationReader {
  readonly #text: string;
  readonly #whole: string;
  /** Offset of `text` in the whole. */
  readonly #start: number;
  offset = 0;

  constructor(text: string, whole = text, start = 0) {
    this.#text = text;
    this.#whole = whole;
    this.#start = start;
  }

  get ended(): boolean {
    return this.offset >= this.#text.length;
  }

  error(what: string, offset = this.offset, options: VtErrorOptions = {}): SpecificationError {
    return new SpecificationError(this.#whole, what, this.#start + offset, options);
  }

  /** The next characters, for messages. */
  here(): string {
    return this.ended ? 'the end' : JSON.stringify(this.#text.slice(this.offset, this.offset + 12));
  }

  /** Matches a sticky pattern here, without moving on. */
  peek(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.offset;
    return pattern.exec(this.#text) ?? undefined;
  }

  accept(token: string): boolean {
    if (!this.#text.startsWith(token, this.offset)) return false;
    this.offset += token.length;
    return true;
  }

  expect(token: string, remedy?: string): void {
    if (!this.accept(token)) {
      throw this.error(`expected ${JSON.stringify(token)}, found ${this.here()}`, this.offset, remedy === undefined ? {} : { remedy });
    }
  }

  spaces(): void {
    while (this.accept(' ') || this.accept('\t'));
  }

  /** Takes the rest of the text. */
  rest(): string {
    const found = this.#text.slice(this.offset);
    this.offset = this.#text.length;
    return found;
  }

  /** Whether the next character is a double quote. */
  get atQuote(): boolean {
    return this.#text[this.offset] === '"';
  }

  /** Takes a text in double quotes, in which `\"` and `\\` stand for a quote and a backslash. */
  quoted(): string {
    const start = this.offset;
    this.expect('"');
    let out = '';
    for (;;) {
      if (this.ended) throw this.error('a quote is not closed', start, { remedy: 'close it with "' });
      if (this.accept('"')) return out;
      if (this.accept('\\') && !/["\\]/.test(this.#text[this.offset] ?? '')) {
        throw this.error(`expected \\" or \\\\ within quotes, found ${this.here()}`, this.offset - 1);
      }
      out += this.#text[this.offset] ?? '';
      this.offset++;
    }
  }

  /** Takes a text in double quotes and makes a reader for it. */
  quotedReader(): SpecificationReader {
    const start = this.#start + this.offset + 1;
    return new SpecificationReader(this.quoted(), this.#whole, start);
  }

  /** Takes the text up to a delimiter, without surrounding spaces; it may be empty. @param more - further delimiters */
  bare(more?: RegExp): string {
    const start = this.offset;
    while (!this.ended) {
      const sign = this.#text[this.offset] ?? '';
      if (DELIMITERS.test(sign) || more?.test(sign) === true) break;
      this.offset++;
    }
    return this.#text.slice(start, this.offset).trim();
  }
}

/** Whether a value needs no quotes anywhere. */
export function isBare(text: string): boolean {
  return text !== '' && text === text.trim() && !DELIMITERS.test(text) && !/[?&]|(?:^|:)[a-z][\w-]*[ \t]*=/i.test(text);
}

/** Puts a text in quotes. */
export function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
