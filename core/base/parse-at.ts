import { ParseError } from './errors.ts';

/** Runs a decoder on a part that begins at offset `at` of the whole. The offsets of its ParseErrors are made relative to the whole. */
export function parseAt<T>(at: number, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw errorAt(at, error);
  }
}

/** Adds `at` to the offset of a ParseError; returns any other error unchanged. */
export function errorAt(at: number, error: unknown): unknown {
  if (!(error instanceof ParseError) || at === 0) return error;
  return new ParseError(error.message.replace(/, at offset \d+$/, ''), at + error.offset, { cause: error });
}
