import type { IncomingMessage } from 'node:http';

/**
 * Takes the body of a request.
 *
 * @param onMore - called with how many bytes have come
 * @returns undefined if it is too long; the rest is not read
 */
export async function readBody(
  request: IncomingMessage,
  maxSize: number,
  onMore: (size: number) => void = () => undefined,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // A client that has sent too much gets the answer over the same connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    onMore(chunk.length);
    if (size > maxSize) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
