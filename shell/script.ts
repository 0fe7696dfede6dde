import { createReadStream, fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { UsageError, VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsFromBytes } from '../core/base/octets.ts';
import { errorReason } from '../core/base/system/system-error.ts';
import { skipReference } from '../core/dirent/reference-skip.ts';
import { LineJoiner } from './line/line.ts';
import { encodeText } from './output/output.ts';

/** A line of a script and its place. */
export interface ScriptLine {
  readonly text: Octets;
  /** `FILE:LINE`; undefined if messages need no place. */
  readonly where: string | undefined;
}

/** The lines of a `-c`, in which a lone surrogate is a byte that is not UTF-8. @param where - for messages */
export function* commandLines(text: string, where?: string): Generator<ScriptLine> {
  yield { text: octetsFromBytes(encodeText(text)), where };
}

/**
 * The lines of a script as they come: each is given as soon as it is complete, which a line with an open quote
 * is not. A line that is never complete comes last, unchanged. A first line that starts with `#!` is a comment anyway.
 *
 * @param name - shown in messages
 * @param isWhole - whether a line is complete even if a quote is open
 * @param maxSize - bytes of a line, at most
 * @throws {UsageError} for a longer line
 */
export async function* scriptLines(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  isWhole: (line: string) => boolean = () => false,
  maxSize = Number.POSITIVE_INFINITY,
): AsyncGenerator<ScriptLine> {
  const joiner = new LineJoiner(skipReference);
  let number = 0;
  let start = 1;
  for await (const line of linesOf(chunks, maxSize)) {
    number++;
    if (!joiner.isOpen) start = number;
    const plain = (number === 1 ? withoutMark(line) : line) as Octets;
    const text = !joiner.isOpen && isWhole(plain) ? plain : joiner.take(plain);
    if (text !== undefined) yield { text, where: `${name}:${start}` };
  }
  if (joiner.isOpen) yield { text: joiner.drop(), where: `${name}:${start}` };
}

/** Lines of octets, each without its line feed. A carriage return before it stays: it is a blank, or belongs to a quote. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>, maxSize: number): AsyncGenerator<string> {
  const held: string[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    const parts = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1').split('\n');
    const rest = parts.pop() ?? '';
    for (const part of parts) yield `${held.splice(0).join('')}${part}`;
    size = (parts.length > 0 ? 0 : size) + rest.length;
    if (size > maxSize) throw new UsageError(`read a line: it is longer than ${maxSize} bytes`);
    if (rest !== '') held.push(rest);
  }
  if (held.length > 0) yield held.join('');
}

/** Without the byte order mark that some editors write before a text in UTF-8. */
function withoutMark(line: string): string {
  return line.startsWith(BYTE_ORDER_MARK) ? line.slice(BYTE_ORDER_MARK.length) : line;
}

/** U+FEFF in UTF-8, with one char a byte. */
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

/**
 * Opens a script file.
 *
 * @param name - for messages
 * @throws {VtError} EOPEN, here or during the reading
 */
export async function openScript(path: string | Buffer, name = String(path)): Promise<AsyncIterable<Uint8Array>> {
  const stream = createReadStream(path);
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (error) => reject(new VtError('EOPEN', `open script "${name}": ${errorReason(error)}`, { cause: error })));
  });
  return readNamed(stream, `script "${name}"`);
}

async function* readNamed(stream: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw new VtError('EOPEN', `read ${what}: ${errorReason(error)}`, { cause: error });
  }
}

/**
 * Standard input, as it comes; ends early once the signal fires, so that a session can end while a pipe stays open.
 *
 * @throws {VtError} EOPEN, here or during the reading
 */
export function openStdin(signal: AbortSignal): AsyncIterable<Uint8Array> {
  // Node treats a directory as an empty input.
  if (fstatSync(0).isDirectory()) throw new VtError('EOPEN', 'read standard input: it is a directory');
  const stdin: Readable = process.stdin;
  return {
    async *[Symbol.asyncIterator]() {
      const end = (): void => {
        stdin.destroy();
      };
      signal.addEventListener('abort', end, { once: true });
      try {
        yield* readNamed(stdin as AsyncIterable<Uint8Array>, 'standard input');
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        signal.removeEventListener('abort', end);
      }
    },
  };
}
