import type { Octets } from '../../core/base/octets.ts';
import { quoteWord } from './quote.ts';

/** The words of one command as a line that quotes each word where necessary. */
export function lineOfWords([name = '' as Octets, ...rest]: readonly Octets[]): string {
  const quoted = quoteWord(name);
  // In a line, `-` and `@` before a name have a meaning.
  const first = /^[-@]/.test(quoted) ? `'${quoted}'` : quoted;
  return [first, ...rest.map(quoteWord)].join(' ');
}
