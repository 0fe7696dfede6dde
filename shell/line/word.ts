import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';

// The words of a line and their quotes. @see vtftp(1), "Lines"

/** One word of a line, without its quotes. */
export interface Word {
  readonly text: Octets;
  /** For each octet of `text`, 1 if it was quoted: a quoted `*` matches only itself. */
  readonly quoted: Uint8Array;
  /** Its range in the line: the first octet, and the one after the last. */
  readonly start: number;
  readonly end: number;
}

/** A line that does not follow the grammar. */
export class LineError extends UsageError {
  /** 1 is the first character. */
  readonly column: number;

  constructor(what: string, source: Octets, offset: number, remedy?: string) {
    const before = source.slice(0, offset);
    const lineStart = before.lastIndexOf('\n') + 1;
    const column = columnOf(source.slice(lineStart) as Octets, offset - lineStart);
    const line = before.split('\n').length;
    super(`${what}, at ${line === 1 ? '' : `line ${line}, `}column ${column}`, remedy === undefined ? {} : { remedy });
    this.column = column;
  }
}

/** A quote that is still open at the end of the text; more text may close it. */
export class OpenQuoteError extends LineError {
  /** The character that closes it. */
  readonly closedBy: string;

  constructor({ what, offset, closedBy }: OpenQuoteFound, source: Octets) {
    super(what, source, offset, `close it with ${closedBy}`);
    this.closedBy = closedBy;
  }
}

/** The same error without line and column, since counting these requires scanning all text before it. */
export class OpenQuoteFound extends Error {
  readonly what: string;
  readonly offset: number;
  readonly closedBy: string;

  constructor(what: string, offset: number, closedBy: string) {
    super(what);
    this.what = what;
    this.offset = offset;
    this.closedBy = closedBy;
  }
}

/** Finds the end of a pasted reference (`D{…}`, `x-vt:…`) that starts at an offset; undefined if none does. */
export type SkipReference = (source: string, offset: number) => number | undefined;

/** The column, counted in characters from 1, of a byte of a line. */
export function columnOf(source: Octets, offset: number): number {
  let column = 1;
  for (const _ of octetsToText(source.slice(0, offset) as Octets)) column++;
  return column;
}

/** Characters that end an unquoted word. */
export const WORD_ENDS: ReadonlySet<string> = new Set([' ', '\t', '\n', '\r', ';', '|', '>', '&']);

/**
 * Reads the word at an offset of a line.
 *
 * @param isOpen - the line is being typed: its end may be unfinished
 * @returns the word, and the quote that is open at its end
 * @throws {OpenQuoteFound} for an unfinished quote
 * @throws {LineError} for an unknown escape
 */
export function readWord(
  source: Octets,
  start: number,
  skipReference: SkipReference,
  isOpen: boolean,
): { readonly word: Word; readonly openQuote: OpenQuote | undefined } {
  return new WordReader(source, start, isOpen).read(skipReference);
}

/** Characters that neither end a word nor begin a quote; `$` may begin one. */
const PLAIN = /[^ \t\n\r;|>&'"\\$]+/y;

/** How a quote opens. */
export type OpenQuote = "'" | '"' | "$'";

class WordReader {
  readonly #source: Octets;
  readonly #start: number;
  readonly #isOpen: boolean;
  readonly #parts = new WordParts();
  #at: number;
  #openQuote: OpenQuote | undefined;

  constructor(source: Octets, start: number, isOpen: boolean) {
    this.#source = source;
    this.#start = start;
    this.#isOpen = isOpen;
    this.#at = start;
  }

  read(skipReference: SkipReference): { readonly word: Word; readonly openQuote: OpenQuote | undefined } {
    const source = this.#source;
    const start = this.#start;
    const parts = this.#parts;
    const reference = skipReference(source, start);
    if (reference !== undefined && reference > start) {
      parts.add(source.slice(start, reference), true);
      this.#at = reference;
    }
    while (this.#at < source.length) {
      const char = source[this.#at] ?? '';
      if (WORD_ENDS.has(char)) break;
      if (char === "'") this.#readSingle();
      else if (char === '"') this.#readDouble();
      else if (char === '$' && source[this.#at + 1] === "'") this.#readEscaped();
      else if (char === '\\') this.#readBackslash();
      else {
        PLAIN.lastIndex = this.#at;
        const plain = PLAIN.exec(source)?.[0] ?? char;
        parts.add(plain, false);
        this.#at += plain.length;
      }
    }
    const word = { text: parts.text as Octets, quoted: parts.quoted(), start, end: this.#at };
    return { word, openQuote: this.#openQuote };
  }

  #error(what: string, offset: number, remedy?: string): LineError {
    return new LineError(what, this.#source, offset, remedy);
  }

  #readBackslash(): void {
    const next = this.#source[this.#at + 1];
    if (next === undefined || next === '\n') {
      if (!this.#isOpen) throw this.#error('parse line: nothing after "\\"', this.#at);
      this.#at++;
      return;
    }
    this.#parts.add(next, true);
    this.#at += 2;
  }

  #readSingle(): void {
    const start = this.#at;
    const end = this.#source.indexOf("'", start + 1);
    if (end < 0) return this.#unfinished("'", start, this.#source.slice(start + 1));
    this.#parts.add(this.#source.slice(start + 1, end), true);
    this.#at = end + 1;
  }

  /** In double quotes a backslash escapes `"` and `\`; elsewhere it is literal. */
  #readDouble(): void {
    const start = this.#at;
    let text = '';
    for (let at = start + 1; at < this.#source.length; at++) {
      const char = this.#source[at] ?? '';
      if (char === '"') {
        this.#parts.add(text, true);
        this.#at = at + 1;
        return;
      }
      const next = this.#source[at + 1];
      if (char === '\\' && (next === '"' || next === '\\')) {
        text += next;
        at++;
      } else text += char;
    }
    this.#unfinished('"', start, text);
  }

  /** Reads `$'…'` with `\n`, `\xHH`, `\303` and the like, which can write any byte; bash's `printf %q` writes the same. */
  #readEscaped(): void {
    const start = this.#at;
    let text = '';
    for (let at = start + 2; at < this.#source.length; at++) {
      const char = this.#source[at] ?? '';
      if (char === "'") {
        this.#parts.add(text, true);
        this.#at = at + 1;
        return;
      }
      if (char !== '\\') {
        text += char;
        continue;
      }
      const hex = /^\\x([0-9a-fA-F]{1,2})/.exec(this.#source.slice(at, at + 4));
      const octal = /^\\([0-3][0-7]{0,2}|[4-7][0-7]?)/.exec(this.#source.slice(at, at + 4));
      const named = NAMED_ESCAPES[this.#source[at + 1] ?? ''];
      if (hex?.[1] !== undefined) {
        text += String.fromCharCode(Number.parseInt(hex[1], 16));
        at += hex[0].length - 1;
      } else if (octal?.[1] !== undefined) {
        text += String.fromCharCode(Number.parseInt(octal[1], 8));
        at += octal[0].length - 1;
      } else if (named !== undefined) {
        text += named;
        at++;
      } else if (at + 1 >= this.#source.length) break;
      else
        throw this.#error(
          `parse line: unknown escape "\\${this.#source[at + 1] ?? ''}"`,
          at,
          String.raw`use \n \t \r \e \a \b \v \f \\ \' \" \? \xHH or \OOO in octal`,
        );
    }
    this.#unfinished("$'", start, text);
  }

  #unfinished(quote: OpenQuote, start: number, text: string): void {
    if (!this.#isOpen) {
      const what = quote === '"' ? 'double' : 'single';
      throw new OpenQuoteFound(`parse line: unfinished ${what} quote`, start, quote === '"' ? quote : "'");
    }
    this.#parts.add(text, true);
    this.#openQuote = quote;
    this.#at = this.#source.length;
  }
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  e: '\x1b',
  E: '\x1b',
  a: '\x07',
  b: '\b',
  v: '\v',
  f: '\f',
  '?': '?',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

class WordParts {
  text = '';
  /** The quoted ranges of the text. */
  readonly #quotedRuns: (readonly [start: number, end: number])[] = [];

  add(text: string, quoted: boolean): void {
    const start = this.text.length;
    this.text += text;
    if (quoted) this.#quotedRuns.push([start, this.text.length]);
  }

  quoted(): Uint8Array {
    const quoted = new Uint8Array(this.text.length);
    for (const [start, end] of this.#quotedRuns) quoted.fill(1, start, end);
    return quoted;
  }
}

/** A word without quotes. */
export function plainWord(text: string, start: number, end: number): Word {
  return { text: text as Octets, quoted: new Uint8Array(text.length), start, end };
}

/** A completely quoted word. */
export function quotedWord(text: string, start: number, end: number): Word {
  return { text: text as Octets, quoted: new Uint8Array(text.length).fill(1), start, end };
}

/** Whether a word was typed as it is, without quotes. */
export function isPlain({ text, quoted, start, end }: Word): boolean {
  return end - start === text.length && quoted.every((each) => each === 0);
}
