import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ByteRange } from './byte-ranges.ts';
import { parseRanges } from './byte-ranges.ts';
import { conditionStatus, rangeApplies } from './preconditions.ts';
import type { Representation } from './representation.ts';

/** Bytes per system call; Blocks are smaller. */
const SENT_AT_ONCE = 64 * 1024;

/**
 * Answers a GET or HEAD: conditions, ranges, headers, body. The first bytes are read before the status is sent, so that a Block missing
 * there becomes a status. If a Block is found missing or damaged later, the caller ends the connection: wrong bytes are never sent.
 *
 * @throws errors of reading; `headersSent` tells the two cases apart
 */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  representation: Representation,
  signal: AbortSignal,
): Promise<void> {
  const { size, contentType } = representation;
  const headers = headersOf(representation);
  const status = conditionStatus(request.headers, representation);
  if (status !== undefined) {
    response.writeHead(status, headers).end();
    return;
  }
  const asked =
    size !== undefined && request.method === 'GET' && rangeApplies(request.headers, representation)
      ? parseRanges(request.headers.range, size)
      : 'whole';
  if (asked === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${size}`, 'cache-control': 'no-store', 'content-length': '0' }).end();
    return;
  }
  if (request.method === 'HEAD') {
    response.writeHead(200, { ...headers, 'content-type': contentType, ...lengthOf(size) }).end();
    return;
  }
  if (asked === 'whole' && representation.bytes !== undefined) {
    response
      .writeHead(200, { ...headers, 'content-type': contentType, ...lengthOf(representation.bytes.length) })
      .end(representation.bytes);
    return;
  }
  const [only, second] = asked === 'whole' ? [] : asked;
  if (asked === 'whole' || size === undefined) {
    await sendBody(response, () => response.writeHead(200, { ...headers, 'content-type': contentType, ...lengthOf(size) }), [
      representation.read(undefined, signal),
    ]);
  } else if (only !== undefined && second === undefined) {
    const head = {
      ...headers,
      'content-type': contentType,
      'content-range': `bytes ${only.start}-${only.end - 1}/${size}`,
      'content-length': String(only.end - only.start),
    };
    await sendBody(response, () => response.writeHead(206, head), [representation.read(only, signal)]);
  } else {
    await sendParts(response, headers, representation, size, asked, signal);
  }
}

function lengthOf(size: number | undefined): Record<string, string> {
  return size === undefined ? {} : { 'content-length': String(size) };
}

/** The headers of a representation for any status. */
export function headersOf({ etag, lastModified, size, headers }: Representation): Record<string, string> {
  return {
    etag,
    ...(lastModified === undefined ? {} : { 'last-modified': lastModified.toUTCString() }),
    ...(size === undefined ? {} : { 'accept-ranges': 'bytes' }),
    ...headers,
  };
}

/** Sends several ranges in one answer. @see RFC 9110, 14.6 */
async function sendParts(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  representation: Representation,
  size: number,
  ranges: readonly ByteRange[],
  signal: AbortSignal,
): Promise<void> {
  const boundary = randomBytes(18).toString('hex');
  const heads = ranges.map(({ start, end }, i) =>
    Buffer.from(
      `${i === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${representation.contentType}\r\nContent-Range: bytes ${start}-${end - 1}/${size}\r\n\r\n`,
    ),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const octets = ranges.reduce((sum, { start, end }, i) => sum + (heads[i]?.length ?? 0) + end - start, tail.length);
  const head = { ...headers, 'content-type': `multipart/byteranges; boundary=${boundary}`, 'content-length': String(octets) };
  const pieces = ranges.flatMap((range, i) => [[heads[i] ?? Buffer.alloc(0)], representation.read(range, signal)]);
  await sendBody(response, () => response.writeHead(206, head), [...pieces, [tail]]);
}

type Piece = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Sends pieces as a body, as fast as the client accepts them. @param writeHead - called when the first bytes are available */
export async function sendBody(response: ServerResponse, writeHead: () => unknown, pieces: readonly Piece[]): Promise<void> {
  let begun = false;
  let held = 0;
  for (const piece of pieces) {
    for await (const chunk of piece) {
      if (response.destroyed) return;
      if (chunk.length === 0) continue;
      if (!begun) writeHead();
      begun = true;
      if (held === 0) response.cork();
      response.write(chunk);
      held += chunk.length;
      if (held < SENT_AT_ONCE) continue;
      held = 0;
      response.uncork();
      if (response.writableNeedDrain) await room(response);
    }
  }
  if (!begun) writeHead();
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.end(resolve);
  });
}

async function room(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
