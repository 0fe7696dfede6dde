import { decodeBsuint } from '../base/bsuint.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { ParseError } from '../base/errors.ts';
import type { TextReader } from '../base/text-reader.ts';

// Times in bytes: the seconds since 1970, rounded down, as zigzag bsuint, then the nanoseconds as bsuint. @see vt(5), "Dirents"

const NS_PER_SECOND = 1_000_000_000n;

/** Limit of seconds before and after 1970: 71 million years. */
const MAX_SECONDS = 2n ** 51n;

/** Encodes a time; see {@link writeTime}. */
export function encodeTime(timeNs: bigint): Buffer {
  const writer = new ByteWriter(16);
  writeTime(writer, timeNs);
  return writer.take();
}

/**
 * Writes a time.
 *
 * @param timeNs - nanoseconds since 1970, within 2^51 seconds of it
 * @throws {RangeError} for a time outside of that range
 */
export function writeTime(writer: ByteWriter, timeNs: bigint): void {
  let seconds = timeNs / NS_PER_SECOND;
  let ns = timeNs % NS_PER_SECOND;
  if (ns < 0n) {
    ns += NS_PER_SECOND;
    seconds -= 1n;
  }
  if (seconds >= MAX_SECONDS || seconds < -MAX_SECONDS) throw new RangeError(`encode time: ${timeNs} ns is more than 2^51 s from 1970`);
  const wholeSeconds = Number(seconds);
  writer.bsuint(wholeSeconds >= 0 ? wholeSeconds * 2 : -wholeSeconds * 2 - 1);
  writer.bsuint(Number(ns));
}

/** Decodes a time that fills `data`; see {@link decodeTimeAt}. */
export function decodeTime(data: Uint8Array): bigint {
  return decodeTimeAt(data, 0, data.length);
}

/**
 * Decodes the time at `start` to `end`.
 *
 * @returns nanoseconds since 1970
 * @throws {ParseError} if it is malformed, does not end at `end`, or is out of range
 */
export function decodeTimeAt(data: Uint8Array, start: number, end: number): bigint {
  const { value: zigzag, next: nsAt } = decodeBsuint(data, start);
  const { value: ns, next } = decodeBsuint(data, nsAt);
  if (ns >= Number(NS_PER_SECOND)) throw new ParseError(`decode time: ${ns} nanoseconds`, nsAt);
  if (next !== end) throw new ParseError(`decode time: ${next - start} bytes where there are ${end - start}`, start);
  // Halves of integers below 2^53 are exact.
  const seconds = zigzag % 2 === 0 ? BigInt(zigzag / 2) : -BigInt((zigzag + 1) / 2);
  if (seconds >= MAX_SECONDS || seconds < -MAX_SECONDS) throw new ParseError('decode time: more than 2^51 s from 1970', start);
  return seconds * NS_PER_SECOND + BigInt(ns);
}

/** Formats a time as decimal seconds with nine places: `-1.500000000` is one and a half seconds before 1970. */
export function formatTime(timeNs: bigint): string {
  const magnitude = timeNs < 0n ? -timeNs : timeNs;
  const places = (magnitude % NS_PER_SECOND).toString().padStart(9, '0');
  return `${timeNs < 0n ? '-' : ''}${magnitude / NS_PER_SECOND}.${places}`;
}

/** Reads decimal seconds with up to nine places. @returns nanoseconds since 1970, exact @throws {ParseError} */
export function readTime(reader: TextReader): bigint {
  const start = reader.offset;
  const text = reader.require(/-?\d{1,16}(?:\.\d{1,9})?(?![\d.])/y, 'seconds with up to nine places');
  const [whole = '', places = ''] = text.replace('-', '').split('.');
  const magnitude = BigInt(whole) * NS_PER_SECOND + BigInt(places.padEnd(9, '0'));
  const timeNs = text.startsWith('-') ? -magnitude : magnitude;
  const limit = MAX_SECONDS * NS_PER_SECOND;
  if (timeNs >= limit || timeNs < -limit) throw reader.error('a time more than 2^51 s from 1970', start);
  return timeNs;
}
