import { COMMANDS } from '../commands/all-commands.ts';
import { octetsFromBytes } from '../core/base/octets.ts';
import { namesOf } from './command-names.ts';
import { lineOfWords } from './line/line-of-words.ts';
import { encodeText } from './output/output.ts';

/**
 * The line of commands that the words of argv mean: `vtftp get docs .`. The name of a command is that command, whatever files are
 * there: somebody who puts a file of that name into the working directory changes nothing. `./log` is a file.
 *
 * @param words - from the first that is no option of the program on; a byte that is not UTF-8 is a lone surrogate
 * @returns undefined where they are no command
 */
export function oneShotLine(words: readonly string[]): string | undefined {
  const isCommand = COMMANDS.some((command) => namesOf(command).includes(words[0] ?? ''));
  return isCommand ? lineOfWords(words.map((word) => octetsFromBytes(encodeText(word)))) : undefined;
}
