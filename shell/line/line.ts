import { groupedDigits } from '../../core/base/grouped-digits.ts';
import type { Octets } from '../../core/base/octets.ts';
import type { OpenQuote, SkipReference, Word } from './word.ts';
import { LineError, OpenQuoteError, OpenQuoteFound, plainWord, quotedWord, readWord, WORD_ENDS } from './word.ts';

// The grammar of a line. Lines are bytes, not text: names in scripts need not be UTF-8. @see vtftp(1), "Lines"

/** Words of a line, at most, over all its commands. Each takes some hundred bytes, and more when it is processed. */
export const MAX_WORDS = 131_072;

/** `> file` or `>> file`. */
export interface Redirect {
  readonly append: boolean;
  readonly target: Word;
}

/** One command of a line, before its name is looked up. */
export interface ParsedCommand {
  /** The first is the name; of `!…` the words are `!` and the unparsed rest of the line. */
  readonly words: readonly Word[];
  /** `-cmd`: its errors are ignored. */
  readonly ignoreError: boolean;
  /** `@cmd`: no echo, no warnings. */
  readonly quiet: boolean;
  /** `| local command`, unparsed, for the local shell. */
  readonly pipe: Octets | undefined;
  readonly redirect: Redirect | undefined;
  /** The operator before it: `&&` runs it after success, `||` after failure. */
  readonly joinedBy: ';' | '&&' | '||';
  /** `LIST &`: the source of the whole list, which runs in the background. Its other commands appear only in this text. */
  readonly background?: Octets;
  readonly start: number;
  readonly end: number;
}

/** What is unfinished at the end of a line that is being typed. */
export interface OpenEnd {
  /** The command that the cursor is in; its last word is the unfinished one, which may be empty. */
  readonly command: ParsedCommand;
  readonly word: Word;
  /** The quote that is open at the end. */
  readonly quote: OpenQuote | undefined;
  /** Whether the word is the target of a redirection. */
  readonly redirected: boolean;
  /** The end is in a comment, or in a local command: after `!` or `|`. */
  readonly opaque: 'comment' | 'local' | undefined;
}

/**
 * Parses a line, or several with newlines between.
 *
 * @throws {LineError} for an unfinished quote, or an operator without a command before or after it
 */
export function parseLine(source: Octets, skipReference: SkipReference): readonly ParsedCommand[] {
  return new LineParser(source, skipReference, false).parse().commands;
}

/**
 * Joins the lines of an input that belong together: a newline in quotes belongs to its word, as in sh. When more comes, only
 * the last word of a line is read again.
 */
export class LineJoiner {
  readonly #skipReference: SkipReference;
  #parser: LineParser | undefined;
  /** Lines that cannot close the open quote, and are not parsed yet. */
  #unread: Octets[] = [];
  #closedBy = '';

  constructor(skipReference: SkipReference) {
    this.#skipReference = skipReference;
  }

  /** Whether a line waits for the end of a quote. */
  get isOpen(): boolean {
    return this.#parser !== undefined;
  }

  /** @returns the joined lines, with newlines between; undefined while a quote is open */
  take(line: Octets): Octets | undefined {
    if (this.#parser === undefined && !/['"]/.test(line)) return line;
    this.#unread.push(line);
    if (!line.includes(this.#closedBy)) return undefined;
    const parser = this.#parser ?? new LineParser('' as Octets, this.#skipReference, false);
    const open = parser.append(this.#unread.splice(0).join('\n') as Octets);
    this.#parser = open === undefined ? undefined : parser;
    this.#closedBy = open?.closedBy ?? '';
    return open === undefined ? parser.source : undefined;
  }

  /** Removes and returns the lines whose quote was not closed. */
  drop(): Octets {
    const text = [...(this.#parser === undefined ? [] : [this.#parser.source]), ...this.#unread.splice(0)].join('\n') as Octets;
    this.#parser = undefined;
    this.#closedBy = '';
    return text;
  }
}

/** Parses the line before the cursor; an unfinished end is not an error. */
export function parseOpenLine(source: Octets, skipReference: SkipReference): OpenEnd | undefined {
  return new LineParser(source, skipReference, true).parse().open;
}

interface Draft {
  words: Word[];
  ignoreError: boolean;
  quiet: boolean;
  pipe: Octets | undefined;
  redirect: Redirect | undefined;
  joinedBy: ';' | '&&' | '||';
  start: number;
}

class LineParser {
  #source: Octets;
  readonly #skipReference: SkipReference;
  /** Whether the end may be unfinished. */
  readonly #isOpen: boolean;
  readonly #commands: ParsedCommand[] = [];
  #at = 0;
  /** Words so far, of all commands. */
  #count = 0;
  #draft: Draft;
  #openQuote: OpenEnd['quote'];
  #opaque: OpenEnd['opaque'];
  #redirected = false;

  constructor(source: Octets, skipReference: SkipReference, isOpen: boolean) {
    this.#source = source;
    this.#skipReference = skipReference;
    this.#isOpen = isOpen;
    this.#draft = newDraft(';', 0);
  }

  get source(): Octets {
    return this.#source;
  }

  /** Reads more lines. @returns the quote that is open at their end; other errors are left to {@link parseLine} */
  append(lines: Octets): OpenQuoteFound | undefined {
    this.#source = (this.#source === '' ? lines : `${this.#source}\n${lines}`) as Octets;
    try {
      this.#readAll();
    } catch (error) {
      if (error instanceof OpenQuoteFound) return error;
      if (!(error instanceof LineError)) throw error;
    }
    return undefined;
  }

  parse(): { readonly commands: readonly ParsedCommand[]; readonly open: OpenEnd | undefined } {
    try {
      this.#readAll();
    } catch (error) {
      throw error instanceof OpenQuoteFound ? new OpenQuoteError(error, this.#source) : error;
    }
    const open = this.#isOpen ? this.#openEnd() : undefined;
    if (!this.#isOpen) this.#end();
    return { commands: this.#commands, open };
  }

  /** Stops before the word or operator that throws. */
  #readAll(): void {
    const source = this.#source;
    while (this.#at < source.length) {
      const before = this.#at;
      try {
        this.#readNext();
      } catch (error) {
        this.#at = before;
        throw error;
      }
    }
  }

  #readNext(): void {
    const source = this.#source;
    const char = source[this.#at];
    if (char === ' ' || char === '\t' || char === '\r') this.#at++;
    else if (char === '#') this.#skipComment();
    else if (char === ';' || char === '\n') this.#finish(';', 1, char === ';');
    else if (source.startsWith('&&', this.#at)) this.#finish('&&', 2, true);
    else if (source.startsWith('||', this.#at)) this.#finish('||', 2, true);
    else if (char === '&') this.#endInBackground();
    else if (char === '|') this.#readPipe();
    else if (char === '>') this.#readRedirect();
    else this.#readArgument();
  }

  #error(what: string, offset: number, remedy?: string): LineError {
    return new LineError(what, this.#source, offset, remedy);
  }

  #skipComment(): void {
    const end = this.#source.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#source.length : end;
    if (end < 0) this.#opaque = 'comment';
  }

  /** A command ends before an operator of `size` bytes. */
  #finish(operator: ';' | '&&' | '||', size: number, needsCommand: boolean): void {
    const { words, joinedBy } = this.#draft;
    if (words.length > 0) this.#commands.push(this.#sealed());
    else {
      const dangling = operator !== ';' || (joinedBy !== ';' && needsCommand);
      if (dangling && !this.#isOpen) throw this.#error(`parse line: no command before "${operator}"`, this.#at);
      if (joinedBy !== ';') {
        this.#at += size;
        return; // `a &&` may continue in the next line
      }
    }
    this.#at += size;
    this.#draft = newDraft(operator, this.#at);
  }

  /** `&`: the commands joined by `&&` and `||` so far are one job. */
  #endInBackground(): void {
    if (this.#draft.words.length === 0) throw this.#error('parse line: no command before "&"', this.#at, 'to use it in a name, quote it');
    this.#commands.push(this.#sealed());
    const first = this.#commands.findLastIndex(({ joinedBy }) => joinedBy === ';');
    const [command] = this.#commands.splice(first);
    if (command !== undefined)
      this.#commands.push({ ...command, background: this.#source.slice(command.start, this.#at).trimEnd() as Octets, end: this.#at });
    this.#at++;
    this.#draft = newDraft(';', this.#at);
  }

  #end(): void {
    const { words, joinedBy, redirect, pipe, ignoreError, quiet } = this.#draft;
    if (words.length > 0) this.#commands.push(this.#sealed());
    else if (joinedBy !== ';') throw this.#error(`parse line: no command after "${joinedBy}"`, this.#source.length);
    else if (redirect !== undefined || pipe !== undefined || ignoreError || quiet)
      throw this.#error('parse line: no command', this.#draft.start);
  }

  #sealed(): ParsedCommand {
    return { ...this.#draft, end: this.#at };
  }

  #readArgument(): void {
    const draft = this.#draft;
    if (++this.#count > MAX_WORDS && !this.#isOpen) {
      const remedy = 'give them on several lines, or name them by a pattern';
      throw this.#error(`parse line: more than ${groupedDigits(MAX_WORDS)} words`, this.#at, remedy);
    }
    if (draft.words.length > 0) {
      draft.words.push(this.#readWord());
      return;
    }
    draft.start = this.#at;
    this.#readPrefixes();
    if (this.#at >= this.#source.length || WORD_ENDS.has(this.#source[this.#at] ?? ' ')) {
      if (this.#isOpen && this.#at >= this.#source.length) return;
      throw this.#error('parse line: a prefix without a command', draft.start);
    }
    if (this.#source[this.#at] === '!') this.#readLocalCommand();
    else draft.words.push(this.#readWord());
  }

  /** `-` and `@` before a name; `-` and `@` within words are themselves. */
  #readPrefixes(): void {
    for (; ; this.#at++) {
      const char = this.#source[this.#at];
      if (char === '-') this.#draft.ignoreError = true;
      else if (char === '@') this.#draft.quiet = true;
      else return;
    }
  }

  /** `!local command`: unparsed, up to where a local command ends. */
  #readLocalCommand(): void {
    const start = this.#at;
    const text = this.#takeLocal(start);
    this.#draft.words.push(plainWord('!', start, start + 1));
    const from = start + 1 + (this.#source.slice(start + 1).length - this.#source.slice(start + 1).trimStart().length);
    if (text !== '') this.#draft.words.push(quotedWord(text, from, from + text.length));
  }

  /** The local command after the operator at `start`: up to an unquoted `;`, `&&`, `||` or newline; `|` and `>` are the local shell's. */
  #takeLocal(start: number): Octets {
    let quote = '';
    let at = start + 1;
    for (; at < this.#source.length; at++) {
      const char = this.#source[at];
      if (quote === "'") {
        if (char === "'") quote = '';
      } else if (char === '\\') at++;
      else if (quote === '"') {
        if (char === '"') quote = '';
      } else if (char === "'" || char === '"') quote = char;
      else if (char === '\n' || char === ';' || this.#source.startsWith('&&', at) || this.#source.startsWith('||', at)) break;
    }
    const end = Math.min(at, this.#source.length);
    if (end === this.#source.length) this.#opaque = 'local';
    if (quote !== '' && !this.#isOpen) throw new OpenQuoteFound('parse line: unfinished quote in a local command', start, quote);
    this.#at = end;
    return this.#source.slice(start + 1, end).trim() as Octets;
  }

  #readRedirect(): void {
    const start = this.#at;
    const append = this.#source.startsWith('>>', start);
    this.#at += append ? 2 : 1;
    while (this.#source[this.#at] === ' ' || this.#source[this.#at] === '\t') this.#at++;
    if (this.#draft.words.length === 0) throw this.#error('parse line: no command before ">"', start);
    if (this.#draft.redirect !== undefined) throw this.#error('parse line: a second ">"', start);
    if (this.#at >= this.#source.length || WORD_ENDS.has(this.#source[this.#at] ?? ' ')) {
      if (this.#isOpen && this.#at >= this.#source.length) {
        this.#redirected = true;
        return;
      }
      throw this.#error('parse line: no file after ">"', start);
    }
    this.#redirected = true;
    this.#draft.redirect = { append, target: this.#readWord() };
    if (this.#at < this.#source.length) this.#redirected = false;
  }

  #readPipe(): void {
    const start = this.#at;
    if (this.#draft.words.length === 0) throw this.#error('parse line: no command before "|"', start);
    if (this.#draft.redirect !== undefined) throw this.#error('parse line: "|" after ">"', start);
    const command = this.#takeLocal(start);
    if (command === '' && !this.#isOpen) throw this.#error('parse line: no local command after "|"', start);
    this.#draft.pipe = command;
  }

  #readWord(): Word {
    const { word, openQuote } = readWord(this.#source, this.#at, this.#skipReference, this.#isOpen);
    if (openQuote !== undefined) this.#openQuote = openQuote;
    this.#at = word.end;
    return word;
  }

  #openEnd(): OpenEnd {
    const { words, redirect } = this.#draft;
    const last = redirect !== undefined && this.#redirected ? redirect.target : words.at(-1);
    const isInWord = last !== undefined && last.end === this.#source.length && !(this.#redirected && redirect === undefined);
    const word = isInWord ? last : plainWord('', this.#source.length, this.#source.length);
    const isNew = !isInWord && !this.#redirected;
    const command = { ...this.#draft, words: isNew ? [...words, word] : words, end: this.#source.length };
    return { command, word, quote: this.#openQuote, redirected: this.#redirected, opaque: this.#opaque };
  }
}

function newDraft(joinedBy: ';' | '&&' | '||', start: number): Draft {
  return { words: [], ignoreError: false, quiet: false, pipe: undefined, redirect: undefined, joinedBy, start };
}
