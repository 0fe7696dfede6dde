import MarkdownIt from 'markdown-it';
import { Html } from './html.ts';

/** Characters of a text that is rendered, at most: a malicious text of that size takes half a second. */
const MAX_LENGTH = 64 * 1024;

const COMMENT_START = '<!--';
const COMMENT_END = '-->';
/** Characters of a comment, at most: this bounds the search in a text with many unclosed comments. */
const MAX_COMMENT_LENGTH = 4096;

// HTML in the text is shown as text, and links cannot run scripts. Comments are hidden.
const parser = new MarkdownIt({ html: false, linkify: false });
parser.block.ruler.before(
  'paragraph',
  'comment',
  (state, startLine, endLine, silent) => {
    const start = (state.bMarks[startLine] ?? 0) + (state.tShift[startLine] ?? 0);
    const { src, eMarks } = state;
    if (!src.startsWith(COMMENT_START, start)) return false;
    const length = src.slice(start + COMMENT_START.length, start + MAX_COMMENT_LENGTH).indexOf(COMMENT_END);
    if (length < 0) return false;
    const end = start + COMMENT_START.length + length;
    let line = startLine;
    while (line < endLine && (eMarks[line] ?? 0) < end) line++;
    // Text after a comment on its line must be shown.
    if (line === endLine || src.slice(end + COMMENT_END.length, eMarks[line]).trim() !== '') return false;
    if (!silent) state.line = line + 1;
    return true;
  },
  { alt: ['paragraph'] },
);

// Relative links lead to the pages of files, as in listings. For a Dir the query makes no difference.
parser.renderer.rules['link_open'] = (tokens, at, options, _, self) => {
  const link = tokens[at];
  const href = String(link?.attrGet('href') ?? '');
  const [path = '', part] = href.split('#', 2);
  if (path !== '' && !/^[a-z][a-z\d+.-]*:|^\/|\?|\/$/i.test(path))
    link?.attrSet('href', `${path}?view${part === undefined ? '' : `#${part}`}`);
  return self.renderToken(tokens, at, options);
};

/** Renders Markdown; undefined if it is too long. */
export function markdown(text: string): Html | undefined {
  return text.length > MAX_LENGTH ? undefined : new Html(parser.render(text));
}
