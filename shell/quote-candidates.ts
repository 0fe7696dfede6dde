import type { Octets } from '../core/base/octets.ts';
import { octetsToText, octetsToTextStrict } from '../core/base/octets.ts';
import type { Candidate } from './completion.ts';
import type { OpenEnd } from './line.ts';
import { escapeOctets, isPlainWord, quoteWord } from './quote.ts';

type Style = 'plain' | 'single' | 'double' | 'escaped';

/**
 * Candidates as they stand in a line: all quoted in one way, so that what they have in common can be put there. A
 * single one is closed and followed by a space, unless it goes on: then its quote stays open.
 *
 * @param open - the quote that was typed already
 */
export function quoteCandidates(candidates: readonly Candidate[], open: OpenEnd['quote']): string[] {
  const style = candidates.every(({ isVerbatim }) => isVerbatim === true) && open === undefined ? 'plain' : styleFor(candidates, open);
  const isOnly = candidates.length === 1;
  return candidates.map(({ text, isOpen }) => {
    const quoted = quoteAs(text, style);
    if (isOpen) return style === 'plain' ? quoted : quoted.slice(0, -1);
    return isOnly ? `${quoted} ` : quoted;
  });
}

function styleFor(candidates: readonly Candidate[], open: OpenEnd['quote']): Style {
  const texts = candidates.map(({ text }) => text);
  if (texts.some((text) => quoteWord(text).startsWith("$'")) || open === "$'") return 'escaped';
  if (open === '"' && texts.every((text) => !/["\\]/.test(text))) return 'double';
  if (open === undefined && texts.every((text) => isPlainWord(text))) return 'plain';
  if (texts.every((text) => !text.includes("'"))) return 'single';
  return texts.every((text) => !/["\\]/.test(text)) ? 'double' : 'escaped';
}

function quoteAs(text: Octets, style: Style): string {
  switch (style) {
    case 'plain':
      return octetsToTextStrict(text) ?? octetsToText(text);
    case 'single':
      return `'${octetsToText(text)}'`;
    case 'double':
      return `"${octetsToText(text)}"`;
    case 'escaped':
      return `$'${escapeOctets(text)}'`;
  }
}
