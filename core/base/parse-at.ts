import { ParseError } from './errors.ts';

/** Runs a decoder on a part that is at `at` in the whole, so that the offsets of its ParseErrors are those in the whole. */
export function parseAt<T>(at: number, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw errorAt(at, error);
  }
}

/** An error of decoding a part that is at `at` in the whole: a ParseError with its offset in the whole, any other as it is. */
export function errorAt(at: number, error: unknown): unknown {
  if (!(error instanceof ParseError) || at === 0) return error;
  return new ParseError(error.message.replace(/, at offset \d+$/, ''), at + error.offset, { cause: error });
}
