/** Parts of a column, from one eighth up. */
const EIGHTHS = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** Heights of a line of text, from low to high. */
const LEVELS = { true: '▁▂▃▄▅▆▇█', false: '_.-=+*%#' } as const;

/** A horizontal bar. @param length - in columns; the bar has at least one visible part */
export function barOf(length: number, utf8: boolean): string {
  if (!utf8) return '#'.repeat(Math.max(1, Math.round(length)));
  const eighths = Math.max(1, Math.round(length * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + (eighths % 8 === 0 ? '' : (EIGHTHS[(eighths % 8) - 1] ?? ''));
}

/** Draws values as vertical bars, one character each; the largest value has the highest bar. Empty for no values. */
export function sparkline(values: readonly number[], utf8: boolean): string {
  const levels = LEVELS[`${utf8}`];
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  const levelOf = (value: number): number => (most === 0 ? 0 : Math.round((value / most) * (levels.length - 1)));
  return values.map((value) => levels[levelOf(value)] ?? '').join('');
}

/** Whether the locale uses UTF-8; assumed if no variable tells. */
export function isUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => value !== undefined && value !== '');
  return locale === undefined || /utf-?8/i.test(locale);
}
