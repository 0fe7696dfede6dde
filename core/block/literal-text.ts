import type { TextReader } from '../base/text-reader.ts';

// "texthex", the text of literal bytes: hex pairs, and runs of plain characters in brackets where that is shorter. Grammar and set of
// plain characters are the Python vt's. @see vt(5), "Text"

const PLAIN_RUN = /[A-Za-z0-9_+\-.,=:;{"}*]{3,}/g;
const PLAIN_READ = /[A-Za-z0-9_+\-.,=:;{"}*]+/y;

/** Formats bytes as texthex. */
export function formatTexthex(data: Uint8Array): string {
  const octets = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
  let out = '';
  let from = 0;
  for (const run of octets.matchAll(PLAIN_RUN)) {
    out += `${hex(octets.slice(from, run.index))}[${run[0]}]`;
    from = run.index + run[0].length;
  }
  return out + hex(octets.slice(from));
}

function hex(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('hex');
}

/** Reads texthex at the reader's position, up to the first character outside brackets that is not hex, such as the final `}`. */
export function readTexthex(reader: TextReader): Uint8Array {
  const parts: Buffer[] = [];
  for (;;) {
    const pairs = reader.match(/(?:[\da-fA-F]{2})+/y);
    if (pairs !== undefined) parts.push(Buffer.from(pairs, 'hex'));
    else if (reader.accept('[')) {
      parts.push(Buffer.from(reader.require(PLAIN_READ, 'plain characters'), 'latin1'));
      reader.expect(']');
    } else break;
  }
  return new Uint8Array(Buffer.concat(parts));
}
