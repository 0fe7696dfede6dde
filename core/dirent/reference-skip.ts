/** The start of our URIs. */
export const URI_SCHEME = 'x-vt:';

const OPENING = /(?:F|D|SymLink|Indirect|Fifo|Socket|Char|Block|B|I|LB|RLE|SubB|H)\{/y;

/** The rest of a URI, up to the end of the shell word. */
const URI_WORD = /[^\s;&|<>'"()`]*/y;

/** The part of a URI before its reference. */
const URI_START = /x-vt:(?:\/\/[^\s/{}]*)?\//y;

/** A literal, whose brackets may contain braces and quotes; a string; a brace; or text without any of these. */
const TOKEN = /LB\{(?:[\da-fA-F]{2}|\[[^\]]*\])*\}|"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*'|[{}]|[^{}"'\n L]+|L(?!B\{)/y;

/**
 * Finds the end of a reference in a command line, so that one can be pasted without quoting. Only braces, strings and literals are
 * recognised. The parser checks the rest.
 *
 * @param offset - the start of the word
 * @returns the offset after the reference, or undefined if no complete reference starts there
 */
export function skipReference(text: string, offset: number): number | undefined {
  if (text.startsWith(URI_SCHEME, offset)) return skipUri(text, offset);
  return skipBraces(text, offset);
}

function skipUri(text: string, offset: number): number {
  const start = matchEnd(URI_START, text, offset) ?? offset;
  return matchEnd(URI_WORD, text, skipBraces(text, start) ?? start) ?? start;
}

/** The offset after the `}` that closes a prefix and `{` at `offset`; undefined if there is none or it is not closed. */
export function skipBraces(text: string, offset: number): number | undefined {
  const inner = matchEnd(OPENING, text, offset);
  if (inner === undefined) return undefined;
  if (unclosed.text !== text) unclosed = { text, ends: new Map() };
  const { ends } = unclosed;
  const brace = inner - 1;
  if (ends.has(brace)) return ends.get(brace);
  const open: number[] = [];
  for (let start = offset; ; ) {
    const end = matchEnd(TOKEN, text, start);
    if (end === undefined) break;
    const token = text.slice(start, end);
    if (token === '{') open.push(start);
    else if (token === '}') {
      const opened = open.pop();
      if (opened !== undefined) ends.set(opened, end);
    }
    if (open.length === 0 && token.endsWith('}')) return end;
    start = end;
  }
  for (const start of open) ends.set(start, undefined);
  return undefined;
}

/**
 * The result of the last search for a brace that is not closed: the ends of all braces seen, by their offsets. So a text full of opening
 * braces is searched about once.
 */
let unclosed: { readonly text: string; readonly ends: Map<number, number | undefined> } = { text: '', ends: new Map() };

function matchEnd(pattern: RegExp, text: string, offset: number): number | undefined {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
