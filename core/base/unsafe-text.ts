/**
 * Characters that control a terminal, or that people cannot see: control characters, line and paragraph separators, annotations, and
 * lone surrogates. Also those that Unicode marks as ignorable: zero-width, bidirectional, tag and byte-order characters, fillers, and
 * variation selectors.
 *
 * @see https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
 */
const UNSAFE = String.raw`[\p{Cc}\p{Zl}\p{Zp}\p{DI}\p{Cs}\ufff9-\ufffb]`;

const ANY_UNSAFE = new RegExp(UNSAFE, 'u');
const EACH_UNSAFE = new RegExp(UNSAFE, 'gu');

/** Whether a text has a character that must not be written to a terminal unescaped. */
export function isUnsafe(text: string): boolean {
  return ANY_UNSAFE.test(text);
}

/** Replaces each unsafe character of a text. @param escaped - called with one character, of one or two UTF-16 units */
export function replaceUnsafe(text: string, escaped: (char: string) => string): string {
  return text.replace(EACH_UNSAFE, escaped);
}

/** Formats an unsafe character for display: `\n`, `\x1b`, `\u200b`, `\u{e0001}`. */
export function visibleEscape(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code === 0x0a) return String.raw`\n`;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}

/** Formats a value as JSON on one line. Unsafe characters become escapes of JSON, so it parses to the same value. */
export function safeJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return replaceUnsafe(JSON.stringify(value, replacer), (char) =>
    Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
