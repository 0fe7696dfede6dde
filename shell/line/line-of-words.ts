import type { Octets } from '../../core/base/octets.ts';
import { quoteWord } from './quote.ts';

/** The words of one command as a line, in which each means itself. */
export function lineOfWords([name = '' as Octets, ...rest]: readonly Octets[]): string {
  const quoted = quoteWord(name);
  // What is before a name in a line has a meaning of its own.
  const first = /^[-@]/.test(quoted) ? `'${quoted}'` : quoted;
  return [first, ...rest.map(quoteWord)].join(' ');
}
