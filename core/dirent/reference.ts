import { ParseError, UsageError } from '../base/errors.ts';
import { TextReader } from '../base/text-reader.ts';
import { skipReference, URI_SCHEME } from './reference-skip.ts';
import type { TextReference } from './reference-text.ts';
import { readReference } from './reference-text.ts';
import type { VtUri } from './uri.ts';
import { parseUri } from './uri.ts';

export { skipReference };

/** A reference to a Dir, a file or bytes, which can be pasted. */
export type Reference = TextReference | { readonly kind: 'uri'; readonly uri: VtUri };

/**
 * Parses the text of a Dirent (a Dirref), a Block reference, a hashcode (a Block of unknown span), or an `x-vt:` URI.
 *
 * @throws {ParseError} for any other text
 */
export function parseReference(text: string): Reference {
  if (text.startsWith(URI_SCHEME)) return { kind: 'uri', uri: parseUri(text) };
  const reader = new TextReader(text);
  const reference = readReference(reader);
  reader.end();
  return reference;
}

/**
 * As {@link parseReference}, for a text that a user typed.
 *
 * @throws {UsageError} for any other text
 */
export function parseTypedReference(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof ParseError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
