import assert from 'node:assert/strict';
import { ParseError, VtError } from '../../../core/base/errors.ts';
import { flipBit } from '../arbitraries.ts';

/** Runs a decoder on damaged input: it may give a value or a VtError, and nothing else. */
export function decodesOrRefuses(decode: () => unknown, what: string): VtError | undefined {
  try {
    decode();
    return undefined;
  } catch (error) {
    if (error instanceof VtError) return error;
    throw new assert.AssertionError({ message: `${what}: expected a value or a VtError, got ${String(error)}` });
  }
}

/** A length-prefixed record is refused when it is cut short, at whatever length. */
export function refusesEveryTruncation(data: Uint8Array, decode: (data: Uint8Array) => unknown): void {
  for (let length = 0; length < data.length; length++) {
    const what = `${length} of ${data.length} octets`;
    const error = decodesOrRefuses(() => decode(data.slice(0, length)), what);
    assert.ok(error?.code === 'EPARSE', `${what}: expected EPARSE, got ${error?.code}`);
  }
}

/** Whatever bit is flipped, the decoder gives a value or a VtError. */
export function survivesEveryBitFlip(data: Uint8Array, decode: (data: Uint8Array) => unknown): void {
  for (let bit = 0; bit < data.length * 8; bit++) decodesOrRefuses(() => decode(flipBit(data, bit)), `bit ${bit}`);
}

/** A parser or decoder refuses its input with a ParseError that names this offset. */
export function refusesAt(offset: number, decode: () => unknown): void {
  let error: unknown;
  try {
    decode();
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error instanceof ParseError, `expected a ParseError, got ${String(error)}`);
  assert.equal(error.offset, offset, error.message);
  assert.ok(error.message.endsWith(`, at offset ${offset}`), error.message);
}
