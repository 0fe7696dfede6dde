import { isUnsafe, replaceUnsafe, visibleEscape } from '../../core/base/unsafe-text.ts';
import type { Style, StyleKind } from './style.ts';

/** A tab is between columns, and moves the cursor within its line alone. */
const TAB = '\t';

/**
 * Lines with colours, and no other control sequences. A style marks its text with marks that no text can contain, by chance or by
 * intent. The finished line is made safe as a whole. Only then are the marks replaced by the terminal's sequences. So no code can
 * forget to escape a column.
 */
export class StyledLines {
  readonly #style: Style;
  readonly #open: string;
  readonly #close: string;
  readonly #marked: RegExp;

  /** @param style - generates the terminal's sequences */
  constructor(style: Style) {
    this.#style = style;
    const secret = crypto.randomUUID();
    this.#open = `{${secret}:`;
    this.#close = `:${secret}}`;
    this.#marked = new RegExp(`\\{${secret}:(\\w+):([^]*?):${secret}\\}`, 'g');
  }

  /** Marks a text, without marks of its own. */
  mark(kind: StyleKind, text: string): string {
    return `${this.#open}${kind}:${text}${this.#close}`;
  }

  /** The line with its colours. @param isSafe - nothing in it has to be escaped: it goes to no terminal */
  finish(line: string, isSafe: boolean): string {
    const safe = isSafe ? line : safeLine(line);
    return safe.includes(this.#open) ? safe.replace(this.#marked, (_, kind: StyleKind, text: string) => this.#style(kind, text)) : safe;
  }
}

/** A line as a terminal may show it. */
export function safeLine(line: string): string {
  return isUnsafe(line) ? replaceUnsafe(line, (char) => (char === TAB ? char : visibleEscape(char))) : line;
}
