import MarkdownIt from 'markdown-it';
import { Html } from './html.ts';

/** Characters of a text that is made into a page: of what somebody made on purpose, as many take half a second. */
const MAX_LENGTH = 64 * 1024;

// HTML in the text is shown as text, and no link leads to a script.
const parser = new MarkdownIt({ html: false, linkify: false });

/** A Markdown text as part of a page; undefined where it is too long for that. */
export function markdown(text: string): Html | undefined {
  return text.length > MAX_LENGTH ? undefined : new Html(parser.render(text));
}
