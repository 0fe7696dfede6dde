import { COMMANDS } from '../commands/all-commands.ts';
import { octetsFromBytes } from '../core/base/octets.ts';
import { namesOf } from './command-names.ts';
import { lineOfWords } from './line/line-of-words.ts';
import { encodeText } from './output/output.ts';

/**
 * The line of commands for the words of argv: `vtftp get docs .`. The name of a command always means the command, even if there is a
 * file of that name: such a file in the working directory has no effect. `./log` is a file.
 *
 * @param words - from the first that is no option of the program on; an octet that is not UTF-8 is a lone surrogate
 * @returns undefined if they are not a command
 */
export function oneShotLine(words: readonly string[]): string | undefined {
  const isCommand = COMMANDS.some((command) => namesOf(command).includes(words[0] ?? ''));
  return isCommand ? lineOfWords(words.map((word) => octetsFromBytes(encodeText(word)))) : undefined;
}
