import { ParseError } from './errors.ts';

/** Runs a decoder on a part that lies at `at` in the whole, so that the offsets of its ParseErrors are those in the whole. */
export function parseAt<T>(at: number, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof ParseError) || at === 0) throw error;
    throw new ParseError(error.message.replace(/, at offset \d+$/, ''), at + error.offset, { cause: error });
  }
}
