import type { Parser } from '../parser.ts';
import type { PartLevel } from './part-edges.ts';
import { NEEDLE_DELAY, needle, partEdges } from './part-edges.ts';

/** Minimum bytes of a large part of a mail. An attachment in base64 contains no blank line. */
const PART_SIZE = 2048;

/**
 * The parts of a mail are separated by blank lines and MIME boundaries. So an attachment has edges in any mail, and a body has them with
 * any
 * headers before it. RFC 5322, 2.1; RFC 2046, 5.1.1.
 */
export const MAIL_PARTS: PartLevel = {
  needles: [needle('\n\n', 2), needle('\n\r\n', 3), needle('\n--', 1)],
  partSize: PART_SIZE,
};

export const MAIL_DELAY = PART_SIZE + NEEDLE_DELAY;

/** Header fields that a mail begins with: those of RFC 5322, 3.6, and fields that relays and programs add before them. */
const FIELD = /^(?:Return-Path|Delivered-To|Received|X-[A-Za-z-]+|DKIM-Signature|Date|From|To|Subject|Message-ID|MIME-Version):[ \t]/i;

const LF = 0x0a;

/** A head with at least this many of these fields is a mail. */
const MIN_FIELDS = 3;

/** A single mail, as in a Maildir. */
export const mailParser: Parser = {
  name: 'mail',
  isTextual: true,
  extensions: ['.eml', '.mht', '.mhtml', '.nws'],
  mimeTypes: ['message/rfc822', 'message/global', 'multipart/related'],
  delay: MAIL_DELAY,
  minSize: 32,
  begins: isMail,
  edges: (mark) => partEdges([MAIL_PARTS], mark),
};

function isMail(head: Uint8Array): boolean {
  const first = head[0] ?? 0;
  // The first byte excludes most contents.
  if (first < 0x41 || first > 0x7a) return false;
  const octets = Buffer.from(head.buffer, head.byteOffset, head.length);
  const firstEnd = octets.indexOf(LF);
  // The first line excludes nearly all others. To split every head into lines took a fiftieth of the worker's time.
  if (!FIELD.test(octets.toString('latin1', 0, firstEnd < 0 ? octets.length : firstEnd))) return false;
  const lines = octets.toString('latin1').split(/\r?\n/, 40);
  const end = lines.indexOf('');
  return lines.slice(0, end < 0 ? undefined : end).filter((line) => FIELD.test(line)).length >= MIN_FIELDS;
}
