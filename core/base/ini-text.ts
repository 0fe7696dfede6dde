import { parse } from 'ini';

/**
 * Parses an INI file: values by section and name. Values before the first section are beside the sections.
 *
 * @param text - its sections' names may have dots only behind a backslash: others are sections within sections
 */
export function parseIni(text: string): Record<string, unknown> {
  return parse(text);
}
