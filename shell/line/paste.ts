import { Transform } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';

/** Asks the terminal to bracket what is pasted, or to stop doing so. */
export const BRACKETED_PASTE_ON = '\x1b[?2004h';
export const BRACKETED_PASTE_OFF = '\x1b[?2004l';

/** Represents a pasted newline in the edited line; replaced by a newline when the line is run. */
export const PASTED_NEWLINE = '\u23ce';

/**
 * Passes on the keys of a terminal. Pasted text is changed so that nothing in it runs by itself. Newlines within it become {@link
 * PASTED_NEWLINE}, those at its end are removed, and control characters become spaces or are removed.
 */
export class PasteFilter extends Transform {
  readonly #decoder = new StringDecoder('utf8');
  #held = '';
  #isPasting = false;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#held += this.#decoder.write(chunk);
    let out = '';
    for (;;) {
      const marker = this.#isPasting ? PASTE_END : PASTE_START;
      const at = this.#held.indexOf(marker);
      if (at < 0) break;
      const before = this.#held.slice(0, at);
      out += this.#isPasting ? tamePaste(before) : before;
      this.#held = this.#held.slice(at + marker.length);
      this.#isPasting = !this.#isPasting;
    }
    if (!this.#isPasting) {
      // The rest may be the beginning of a marker and must wait; a lone escape key must not.
      const kept = partialMarker(this.#held);
      out += this.#held.slice(0, this.#held.length - kept);
      this.#held = this.#held.slice(this.#held.length - kept);
    }
    if (out !== '') this.push(out);
    done();
  }
}

/** How many characters at the end may begin a paste: at least `ESC [ 2`. */
function partialMarker(text: string): number {
  for (let length = Math.min(text.length, PASTE_START.length - 1); length >= 3; length--)
    if (text.endsWith(PASTE_START.slice(0, length))) return length;
  return 0;
}

/** Pasted text made safe for a line. */
export function tamePaste(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      .replace(/\n+$/, '')
      .replace(/\n/g, PASTED_NEWLINE)
      .replace(/\t/g, ' ')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
      .replace(/[\x00-\x1f\x7f-\x9f]/g, '')
  );
}
