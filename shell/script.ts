import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsFromText } from '../core/base/octets.ts';
import { errorReason } from '../core/base/system-error.ts';

/** A line of a script, and where it stands. */
export interface ScriptLine {
  readonly text: Octets;
  /** `FILE:LINE`, or undefined where a message needs no place. */
  readonly where: string | undefined;
}

/** The lines of a `-c`. */
export function* commandLines(text: string): Generator<ScriptLine> {
  yield { text: octetsFromText(text), where: undefined };
}

/**
 * The lines of a script as they come: from a pipe each is given as soon as it is whole. A first line that starts with
 * `#!` is a comment already.
 *
 * @param name - shown in messages
 */
export async function* scriptLines(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<ScriptLine> {
  const held: string[] = [];
  let number = 0;
  for await (const chunk of chunks) {
    const parts = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1').split('\n');
    const rest = parts.pop() ?? '';
    for (const part of parts) {
      number++;
      yield { text: `${held.splice(0).join('')}${part}`.replace(/\r$/, '') as Octets, where: `${name}:${number}` };
    }
    if (rest !== '') held.push(rest);
  }
  if (held.length > 0) yield { text: held.join('') as Octets, where: `${name}:${number + 1}` };
}

/**
 * Opens a script file.
 *
 * @throws {VtError} EOPEN
 */
export async function openScript(path: string): Promise<AsyncIterable<Uint8Array>> {
  const stream = createReadStream(path);
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (error) => reject(new VtError('EOPEN', `open script "${path}": ${errorReason(error)}`, { cause: error })));
  });
  return readNamed(stream, path);
}

async function* readNamed(stream: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw new VtError('EOPEN', `read script "${path}": ${errorReason(error)}`, { cause: error });
  }
}

/** Standard input, as it comes; ends early once the signal fires, so that a session can end while a pipe stays open. */
export function openStdin(signal: AbortSignal): AsyncIterable<Uint8Array> {
  const stdin: Readable = process.stdin;
  return {
    async *[Symbol.asyncIterator]() {
      const end = (): void => {
        stdin.destroy();
      };
      signal.addEventListener('abort', end, { once: true });
      try {
        yield* stdin as AsyncIterable<Uint8Array>;
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        signal.removeEventListener('abort', end);
      }
    },
  };
}
