import type { Key } from 'node:readline';
import type { REPLServer } from 'node:repl';
import type { Readable } from 'node:stream';
import { fitted } from '../commands/parts/display-width.ts';
import { commonStart, saidCandidates } from './line/candidate-list.ts';
import type { Completion } from './line/completion.ts';
import { suggestedLine } from './line/suggestion.ts';
import { safeMessage } from './output/output.ts';

const DIM = '\x1b[2m';
const PLAIN = '\x1b[0m';
const CLEAR_REST_OF_LINE = '\x1b[K';
const DEFAULT_COLUMNS = 80;

/** Keys that accept a suggestion at the end of a line. */
const TAKES: ReadonlySet<string> = new Set(['right', 'end', 'C-f', 'C-e']);

/** Keys that begin or continue a search through the history. */
const SEARCHES: ReadonlySet<string> = new Set(['C-r', 'C-s']);

/** The parts of readline's editor that are used here; its types leave some out. */
type Editor = REPLServer & { prevRows?: number };

/** Extends readline's editor by suggestions from the history, and by lists of candidates with descriptions. */
export class LineEditor {
  readonly #output: NodeJS.WriteStream;
  readonly #history: () => readonly string[];
  readonly #mayShow: () => boolean;
  #editor: Editor | undefined;
  /** The suggestion shown after the cursor. */
  #suggested: string | undefined;
  #isSearching = false;
  #wasTab = false;
  #soon: NodeJS.Immediate | undefined;

  /** @param mayShow - whether lines are suggested now: at the prompt, with colours, where the user wants it */
  constructor(output: NodeJS.WriteStream, history: () => readonly string[], mayShow: () => boolean) {
    this.#output = output;
    this.#history = history;
    this.#mayShow = mayShow;
  }

  /** Attaches to readline's editor. @param input - the stream from which it reads keys */
  attach(editor: REPLServer, input: Readable): void {
    this.#editor = editor;
    // Before readline sees the key, and after.
    input.prependListener('keypress', () => this.#clear());
    input.on('keypress', (_text, key: Key) => this.#onKey(key));
  }

  /** Whether the key before this one was a Tab, so that another one asks for a list. */
  get wasTab(): boolean {
    return this.#wasTab;
  }

  /**
   * The answer for readline's completer. A list with descriptions is printed here.
   *
   * @param isAgain - a list is requested
   */
  async complete({ candidates, replaces, says }: Completion, isAgain: boolean): Promise<[string[], string]> {
    const editor = this.#editor;
    const answer: [string[], string] = [[...candidates], replaces];
    if (editor === undefined || !isAgain || candidates.length < 2 || commonStart(candidates).length > replaces.length) return answer;
    const lines = await saidCandidates(candidates, says, this.#output.columns || DEFAULT_COLUMNS);
    if (lines === undefined) return answer;
    this.#output.write(`\r\n${lines.join('\r\n')}\r\n\r\n`);
    editor.prevRows = 0;
    editor.displayPrompt(true);
    return [[], replaces];
  }

  #onKey({ name = '', ctrl = false }: Key): void {
    const key = `${ctrl ? 'C-' : ''}${name}`;
    this.#wasTab = key === 'tab';
    if (SEARCHES.has(key)) this.#isSearching = true;
    else if (ctrl || ['return', 'enter', 'escape', 'up', 'down', 'left', 'right', 'home', 'end'].includes(name)) this.#isSearching = false;
    const rest = this.#suggested;
    this.#suggested = undefined;
    if (rest !== undefined && TAKES.has(key)) this.#editor?.write(rest);
    else if (key !== 'tab' && key !== 'return' && key !== 'enter') this.#soon ??= setImmediate(() => void this.#suggest());
  }

  /** Erases the suggestion before anything else is drawn, and remembers it until the key is known. */
  #clear(): void {
    if (this.#suggested !== undefined) this.#output.write(CLEAR_REST_OF_LINE);
  }

  async #suggest(): Promise<void> {
    this.#soon = undefined;
    const editor = this.#editor;
    if (editor === undefined || this.#isSearching || editor.cursor !== editor.line.length || !this.#mayShow()) return;
    const { line } = editor;
    const whole = suggestedLine(line, this.#history());
    if (whole === undefined) return;
    const { cols } = editor.getCursorPos();
    const shown = safeMessage(whole.slice(line.length));
    const room = (this.#output.columns || DEFAULT_COLUMNS) - cols - 1;
    if (room < 2) return;
    const text = await fitted(shown, room);
    if (editor.line !== line) return;
    this.#suggested = whole.slice(line.length);
    // Columns are what the terminal makes of it: it goes back by itself to where it was.
    this.#output.write(`\x1b7${DIM}${text}${PLAIN}\x1b8`);
  }
}
