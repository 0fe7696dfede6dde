import { replaceUnsafe, visibleEscape } from '../../base/unsafe-text.ts';

/** Text that is HTML: only the tag `html` makes it, so nothing foreign gets in unescaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | readonly Html[] | undefined;

/** A piece of a page. What is put into it is escaped, but for pieces of pages; undefined is nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  let text = strings[0] ?? '';
  for (const [i, value] of values.entries()) text += valueText(value) + (strings[i + 1] ?? '');
  return new Html(text);
}

function valueText(value: Value): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('');
  return escapeText(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}

/** A name as a page shows it: what cannot be seen, or turns the text around, is spelt out. */
export function visible(name: string): string {
  return replaceUnsafe(name, visibleEscape);
}
