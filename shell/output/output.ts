import type { Output } from '../../commands/command.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToTextStrict } from '../../core/base/octets.ts';
import { replaceUnsafe, safeJson, visibleEscape } from '../../core/base/unsafe-text.ts';
import { quoteWord } from '../line/quote.ts';
import type { Sink } from './sink.ts';
import type { Style, StyleKind } from './style.ts';
import { StyledLines, safeLine } from './styled-line.ts';

/** Leaves texts as they are. */
export const PLAIN_STYLE: Style = (_, text) => text;

/** Colours for a terminal. The only place that loads chalk, and only where colours are wanted: it costs 4 ms. */
export async function loadColours(): Promise<Style> {
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  const styles: Readonly<Record<StyleKind, (text: string) => string>> = {
    dir: chalk.bold.blue,
    symlink: chalk.cyan,
    exec: chalk.green,
    special: chalk.yellow,
    heading: chalk.bold,
    ref: chalk.magenta,
    dim: chalk.dim,
    warn: chalk.yellow,
    error: chalk.red,
  };
  return (kind, text) => styles[kind](text);
}

/**
 * Whether to colour: `--color` says, then NO_COLOR, CLICOLOR_FORCE, CLICOLOR, and else whether a terminal shows it.
 *
 * @param choice - `--color`
 * @see https://no-color.org/ and https://bixense.com/clicolors/
 */
export function wantsColour(
  choice: 'auto' | 'always' | 'never',
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (choice !== 'auto') return choice === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  if (!['', '0'].includes(env['CLICOLOR_FORCE'] ?? '')) return true;
  return isTerminal && env['CLICOLOR'] !== '0' && env['TERM'] !== 'dumb';
}

export interface OutputOptions {
  readonly json: boolean;
  readonly terminal: boolean;
  /** The current width of the terminal. */
  readonly columns: () => number;
  readonly style: Style;
}

// Bytes that are not UTF-8 travel within text as lone surrogates U+DC80..U+DCFF, one a byte, and leave as they
// came: Python's PEP 383.
const LONE_OCTET = /[\udc80-\udcff]/u;
const SURROGATE_BASE = 0xdc00;

const NEWLINE = 0x0a;

/** A name as text that {@link encodeText} converts back to the same octets. */
export function rawName(octets: Octets): string {
  const text = octetsToTextStrict(octets);
  if (text !== undefined) return text;
  return [...octets].map((char) => (char < '\x80' ? char : String.fromCharCode(SURROGATE_BASE + char.charCodeAt(0)))).join('');
}

/** UTF-8 of a text; see {@link rawName}. */
export function encodeText(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8');
  return Buffer.concat(
    [...text].map((char) => (LONE_OCTET.test(char) ? Buffer.of(char.charCodeAt(0) - SURROGATE_BASE) : Buffer.from(char, 'utf8'))),
  );
}

/** A name made safe for a terminal: unchanged, or quoted as it can be typed if it has unsafe characters. */
export function terminalName(octets: Octets): string {
  const text = octetsToTextStrict(octets);
  const quoted = quoteWord(octets);
  return text !== undefined && !quoted.startsWith("$'") ? text : quoted;
}

/** Results of commands, to a sink. */
export class SinkOutput implements Output {
  readonly json: boolean;
  readonly terminal: boolean;
  readonly #lines: StyledLines | undefined;
  readonly #columns: () => number;
  readonly #sink: Sink;
  /** The last octets did not end a line. */
  #isMidLine = false;

  constructor(sink: Sink, options: OutputOptions) {
    this.#sink = sink;
    this.json = options.json;
    this.terminal = options.terminal;
    this.#columns = options.columns;
    this.#lines = options.style === PLAIN_STYLE ? undefined : new StyledLines(options.style);
  }

  get columns(): number {
    return this.#columns();
  }

  /** Whether colours and the like are wanted. */
  get isStyled(): boolean {
    return this.#lines !== undefined;
  }

  line(text: string): void {
    if (this.json) return;
    this.#sink.write(encodeText(`${this.shown(text)}\n`));
    this.#isMidLine = false;
  }

  /** A line ready for output: with its colours, and at a terminal without other control sequences. */
  shown(text: string): string {
    if (this.#lines !== undefined) return this.#lines.finish(text, !this.terminal);
    return this.terminal ? safeLine(text) : text;
  }

  /** Ends an unfinished line, so that a following prompt does not overwrite it. */
  endLine(): void {
    if (this.#isMidLine) this.line('');
  }

  record(value: Readonly<Record<string, unknown>>): void {
    if (this.json) this.#sink.write(encodeText(`${safeJson(value, jsonValue)}\n`));
  }

  async bytes(data: Uint8Array, of: Readonly<Record<string, unknown>> = {}): Promise<void> {
    if (data.length === 0) {
      await this.#sink.flush();
      return;
    }
    if (this.json) this.record({ ...of, data_b64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') });
    else {
      this.#sink.write(data);
      if (data.length > 0) this.#isMidLine = data.at(-1) !== NEWLINE;
    }
    await this.#sink.flush();
  }

  name(octets: Octets): string {
    return this.terminal ? terminalName(octets) : rawName(octets);
  }

  style(kind: StyleKind, text: string): string {
    return this.#lines === undefined ? text : this.#lines.mark(kind, text);
  }

  async flush(): Promise<void> {
    await this.#sink.flush();
  }
}

/** A bigint as a number if that is exact, else as a string of its digits. */
function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
}

/** A message on one line, without control sequences and invisible characters. */
export function safeMessage(text: string): string {
  return replaceUnsafe(text.toWellFormed(), visibleEscape);
}
