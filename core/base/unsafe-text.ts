/**
 * Characters that a terminal obeys, or that a person cannot see. They are controls, line and paragraph separators, annotations,
 * and halves of surrogate pairs. So are those that Unicode says to ignore: zero-width, bidirectional, tag and byte-order
 * characters, fillers, selectors of variants.
 *
 * @see https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
 */
const UNSAFE = String.raw`[\p{Cc}\p{Zl}\p{Zp}\p{DI}\p{Cs}\ufff9-\ufffb]`;

const ANY_UNSAFE = new RegExp(UNSAFE, 'u');
const EACH_UNSAFE = new RegExp(UNSAFE, 'gu');

/** Whether a text holds something that must not reach a terminal as it is. */
export function isUnsafe(text: string): boolean {
  return ANY_UNSAFE.test(text);
}

/** A text with something in place of each unsafe character. @param escaped - given one character, of one or two units */
export function replaceUnsafe(text: string, escaped: (char: string) => string): string {
  return text.replace(EACH_UNSAFE, escaped);
}

/** An unsafe character for people: `\n`, `\x1b`, `\u200b`, `\u{e0001}`. */
export function visibleEscape(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code === 0x0a) return String.raw`\n`;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}

/** A value as JSON on one line. Every unsafe character is an escape of JSON's own: it reads back the same. */
export function safeJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return replaceUnsafe(JSON.stringify(value, replacer), (char) =>
    Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
