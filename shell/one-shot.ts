import { existsSync } from 'node:fs';
import { COMMANDS } from '../commands/all-commands.ts';
import { octetsFromBytes } from '../core/base/octets.ts';
import { namesOf } from './command-names.ts';
import { lineOfWords } from './line/line-of-words.ts';
import { encodeText } from './output/output.ts';

/**
 * The line of commands that the words of argv stand for: `vtftp get docs .`. Where a local file has the name, and nothing but options of
 * the program may follow, that file is what to open; `--` says that it is not.
 *
 * @param words - from the first that is no option of the program on; an octet that is not UTF-8 is a lone surrogate
 * @returns undefined where they are no command
 */
export function oneShotLine(words: readonly string[]): string | undefined {
  const [name = '', ...rest] = words;
  const isCommand = COMMANDS.some((command) => namesOf(command).includes(name));
  const isSource = (rest[0] === undefined || (rest[0].startsWith('-') && rest[0] !== '--')) && existsSync(name);
  if (!isCommand || isSource) return undefined;
  return lineOfWords(words.map((word) => octetsFromBytes(encodeText(word))));
}
