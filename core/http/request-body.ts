import type { IncomingMessage } from 'node:http';

/**
 * Reads the body of a request.
 *
 * @param maxSize - in bytes
 * @param onMore - called with the number of bytes of each chunk
 * @returns undefined if it is too long; the rest is not read
 */
export async function readBody(
  request: IncomingMessage,
  maxSize: number,
  onMore: (size: number) => void = () => undefined,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Keep the connection open: a client that sent too much gets the answer over it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    onMore(chunk.length);
    if (size > maxSize) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
