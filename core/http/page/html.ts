import { replaceUnsafe, visibleEscape } from '../../base/unsafe-text.ts';

/** Safe HTML. Only the tag `html` makes it, so that everything else is escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | readonly Html[] | undefined;

/** Makes a piece of a page. Values are escaped unless they are Html; undefined is left out. */
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

/** A name for a page: invisible characters, and those that change the text direction, are spelt out. */
export function visible(name: string): string {
  return replaceUnsafe(name, visibleEscape);
}
