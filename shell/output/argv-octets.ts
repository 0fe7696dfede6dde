import { readFileSync } from 'node:fs';
import { octetsFromBytes } from '../../core/base/octets.ts';
import { rawName } from './output.ts';

/**
 * The original arguments: Node replaces octets that are not UTF-8 by U+FFFD; here each is a lone surrogate, as in
 * {@link rawName}. Only on Linux; elsewhere the arguments stay as Node gives them.
 *
 * @param args - without the interpreter and the program
 */
export function withOctets(args: readonly string[]): readonly string[] {
  try {
    const words = octetsFromBytes(readFileSync('/proc/self/cmdline')).split('\0').slice(0, -1);
    const own = words.slice(words.length - args.length);
    return own.length === args.length ? own.map((word) => rawName(word as Parameters<typeof rawName>[0])) : args;
  } catch {
    return args;
  }
}
