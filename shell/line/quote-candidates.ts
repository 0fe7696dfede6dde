import type { Octets } from '../../core/base/octets.ts';
import { octetsToText, octetsToTextStrict } from '../../core/base/octets.ts';
import type { Candidate } from './candidate.ts';
import type { OpenEnd } from './line.ts';
import { escapeOctets, isPlainWord, quoteWord } from './quote.ts';

/**
 * Candidates quoted for a line: with backslashes, or within the quote that was typed already. A single candidate gets its closing
 * quote and a space, unless it may continue.
 *
 * @param open - the quote that was typed already
 */
export function quoteCandidates(candidates: readonly Candidate[], open: OpenEnd['quote']): string[] {
  const isOnly = candidates.length === 1;
  return candidates.map(({ text, isOpen, isVerbatim, after = 0 }) => {
    // A final slash stays outside the candidate's own quotes, so that the next element can follow it.
    const [name, slash] = isOpen && text.endsWith('/') ? [text.slice(0, -1) as Octets, '/'] : [text, ''];
    const quoted = isVerbatim === true ? octetsToText(text) : `${quoteAs(name, open, after === 0)}${slash}`;
    if (!isOnly || isOpen) return quoted;
    return `${quoted}${open === undefined ? '' : closing(open)} `;
  });
}

function closing(open: NonNullable<OpenEnd['quote']>): string {
  return open === '"' ? '"' : "'";
}

function quoteAs(text: Octets, open: OpenEnd['quote'], isWordStart: boolean): string {
  if (open === "$'") return escapeOctets(text);
  const isText = octetsToTextStrict(text) !== undefined && !quoteWord(text).startsWith("$'");
  // Only $'…' can write these octets, so an open quote is closed first.
  if (!isText) return `${open === undefined ? '' : closing(open)}$'${escapeOctets(text)}'${open ?? ''}`;
  const shown = octetsToText(text);
  if (open === '"') return shown.replace(/["\\]/g, String.raw`\$&`);
  if (open === "'") return shown.replaceAll("'", String.raw`'\''`);
  if (isPlainWord(text) || (!isWordStart && isPlainWord(`x${text}` as Octets))) return shown;
  return shown.replace(/[^\p{L}\p{M}\p{N}_./:,+=%^}-]/gu, String.raw`\$&`);
}
