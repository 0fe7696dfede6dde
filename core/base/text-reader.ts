import { ParseError } from './errors.ts';
import type { Octets } from './octets.ts';
import { octetsFromText } from './octets.ts';

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "'": "'", '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Reads a text from left to right. Its errors are ParseErrors with an offset. */
export class TextReader {
  readonly text: string;
  /** The index of the next character to read. */
  offset: number;
  /** The offset of `text` in the user's whole input. It is added to the offsets of errors. */
  readonly at: number;

  constructor(text: string, offset = 0, at = 0) {
    this.text = text;
    this.offset = offset;
    this.at = at;
  }

  get ended(): boolean {
    return this.offset >= this.text.length;
  }

  /** A ParseError at `offset`, by default the reader's position. */
  error(what: string, offset: number = this.offset): ParseError {
    return new ParseError(what, this.at + offset);
  }

  /** The text here, quoted and shortened for messages. */
  here(): string {
    return this.ended ? 'the end' : JSON.stringify(this.text.slice(this.offset, this.offset + 12));
  }

  startsWith(token: string): boolean {
    return this.text.startsWith(token, this.offset);
  }

  /** Skips `token` if it is here. */
  accept(token: string): boolean {
    if (!this.startsWith(token)) return false;
    this.offset += token.length;
    return true;
  }

  /** Skips `token`, which must be here. */
  expect(token: string): void {
    if (!this.accept(token)) throw this.error(`expected ${JSON.stringify(token)}, found ${this.here()}`);
  }

  /** Reads the match of a sticky pattern; undefined if it does not match here. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.offset;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.offset += found.length;
    return found;
  }

  /** Reads the match of a sticky pattern, which must match at least one character. @param what - what was expected, for the message */
  require(pattern: RegExp, what: string): string {
    const found = this.match(pattern);
    if (found === undefined || found === '') throw this.error(`expected ${what}, found ${this.here()}`);
    return found;
  }

  /** Requires the end of the text. */
  end(): void {
    if (!this.ended) throw this.error(`expected the end, found ${this.here()}`);
  }

  /** Reads a decimal number: 0..2^53-1, without superfluous leading zeros. */
  unsigned(what: string): number {
    const start = this.offset;
    const digits = this.require(/\d+/y, what);
    const value = Number(digits);
    if (!Number.isSafeInteger(value)) throw this.error(`${what} exceeds 2^53 - 1`, start);
    if (digits.length > 1 && digits.startsWith('0')) throw this.error(`${what} with a leading zero`, start);
    return value;
  }

  /** Reads `ident:value,…}`; no ident may occur twice. `read` reads the value of an ident, or returns false if the ident is unknown. */
  items(read: (ident: string) => boolean): void {
    if (this.accept('}')) return;
    const seen = new Set<string>();
    do {
      const start = this.offset;
      const ident = this.require(/[A-Za-z_][A-Za-z_0-9]*/y, 'an item');
      if (seen.has(ident)) throw this.error(`"${ident}" twice`, start);
      seen.add(ident);
      this.expect(':');
      if (!read(ident)) throw this.error(`unknown item "${ident}"`, start);
    } while (this.accept(','));
    this.expect('}');
  }

  /**
   * Reads a quoted string. Our own strings use the escapes `\"`, `\\` and `\xHH`. The escapes of JSON and single quotes, which the Python
   * vt writes, are read too. `\uXXXX` becomes UTF-8; a lone `\udc80`..`\udcff` is a byte that Python could not decode. Characters that
   * are not printable ASCII must be escaped.
   */
  quoted(): Octets {
    const quote = this.text[this.offset];
    if (quote !== '"' && quote !== "'") throw this.error(`expected a quoted string, found ${this.here()}`);
    const start = this.offset++;
    let out = '';
    for (;;) {
      const plain = this.match(quote === '"' ? /[ !#-[\]-~]+/y : /[ -&(-[\]-~]+/y);
      if (plain !== undefined) out += plain;
      if (this.ended) throw this.error('unfinished string', start);
      if (this.accept(quote)) return out as Octets;
      if (!this.accept('\\')) throw this.error(`expected printable ASCII, found ${this.here()}: write other bytes as \\xHH`);
      out += this.#escape();
    }
  }

  #escape(): string {
    const start = this.offset - 1;
    const kind = this.text[this.offset++];
    if (kind === 'x') return String.fromCharCode(Number.parseInt(this.require(/[\da-fA-F]{2}/y, 'two hex digits'), 16));
    if (kind !== 'u') {
      const plain = kind === undefined ? undefined : ESCAPES[kind];
      if (plain === undefined) throw this.error('unknown escape', start);
      return plain;
    }
    const unit = this.#codeUnit();
    if (unit >= 0xd800 && unit < 0xdc00 && this.accept('\\u')) {
      const low = this.#codeUnit();
      if (low >= 0xdc00 && low < 0xe000) return octetsFromText(String.fromCharCode(unit, low));
    } else if (unit >= 0xdc80 && unit <= 0xdcff) {
      return String.fromCharCode(unit - 0xdc00);
    } else if (unit < 0xd800 || unit > 0xdfff) {
      return octetsFromText(String.fromCharCode(unit));
    }
    throw this.error('lone surrogate', start);
  }

  #codeUnit(): number {
    return Number.parseInt(this.require(/[\da-fA-F]{4}/y, 'four hex digits'), 16);
  }
}
