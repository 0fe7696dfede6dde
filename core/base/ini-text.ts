import { parse } from 'ini';

/**
 * Parses an INI file: values by section and name. Values before the first section are beside the sections.
 *
 * @param text - in the name of a section, a dot must follow a backslash; any other dot begins a nested section
 */
export function parseIni(text: string): Record<string, unknown> {
  return parse(text);
}
