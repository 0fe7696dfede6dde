import { createReadStream } from 'node:fs';
import { expandHome, resolveLocalPath } from '../commands/parts/local-path.ts';
import { localSession } from '../commands/parts/local-session.ts';
import type { LocalSession } from '../commands/session.ts';
import { FILES_FROM0 } from '../commands/words/files-from.ts';
import { UsageError, VtError } from '../core/base/errors.ts';
import { type Octets, octetsFromBytes, octetsToText } from '../core/base/octets.ts';
import { errorReason, pathBytes } from '../core/base/system/system-error.ts';

/** Octets of a list of names, at most: the list is held in memory. */
const MAX_SIZE = 512 * 1024 * 1024;

/** Sources of lists of names. */
export interface NamesSource {
  readonly local: LocalSession | undefined;
  readonly home: Octets;
  /** Standard input, to its end. */
  standardInput(): AsyncIterable<Uint8Array>;
}

/**
 * The names in the file of `--files-from0`, taken literally: `*` is not a glob. A NUL ends each; it is optional after the last.
 *
 * @throws {UsageError} for an empty name; {VtError} EFAILED if the file cannot be read, EPERM for a client of a mount
 */
export async function listedNames(file: Octets, { local, home, standardInput }: NamesSource): Promise<Octets[]> {
  const session = localSession({ local }, `--${FILES_FROM0.name}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    const path = pathBytes(resolveLocalPath(session.localCwd, expandHome(file, home)));
    for await (const chunk of (file === '-' ? standardInput() : createReadStream(path)) as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > MAX_SIZE) throw new VtError('EFAILED', `read "${octetsToText(file)}": a list of names has at most ${MAX_SIZE} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof VtError) throw error;
    throw new VtError('EFAILED', `read "${octetsToText(file)}": ${errorReason(error)}`, { cause: error });
  }
  const names = octetsFromBytes(Buffer.concat(chunks)).split('\0') as Octets[];
  if (names.at(-1) === '') names.pop();
  const empty = names.indexOf('' as Octets);
  if (empty >= 0) throw new UsageError(`"${octetsToText(file)}": name ${empty + 1} is empty`);
  return names;
}
