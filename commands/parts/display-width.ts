/** Matches text in which each character takes one column: Latin letters with accents, without the soft hyphen. */
const LATIN = /^[\x20-\x7e\xa0-\xac\xae-\u02ff]*$/;

/**
 * The columns that each text takes on a terminal. The package is loaded at the first text that is not Latin: it takes 15 times as long for
 * a name with an umlaut as for one without.
 */
export async function displayWidths(texts: readonly string[]): Promise<number[]> {
  if (texts.every((text) => LATIN.test(text))) return texts.map((text) => text.length);
  const { default: stringWidth } = await import('string-width');
  return texts.map((text) => (LATIN.test(text) ? text.length : stringWidth(text)));
}

/** Shortens a text to a number of columns; a shortened one ends in `…`. */
export async function fitted(text: string, columns: number): Promise<string> {
  if (text.length <= columns && ((await displayWidths([text]))[0] ?? 0) <= columns) return text;
  const characters = [...text];
  const widths = await displayWidths(characters);
  let left = columns - 1;
  const end = widths.findIndex((width) => {
    left -= width;
    return left < 0;
  });
  return `${characters.slice(0, end < 0 ? undefined : end).join('')}…`;
}
