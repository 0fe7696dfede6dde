import { readFileSync } from 'node:fs';
import { octetsFromBytes } from '../../core/base/octets.ts';
import { rawName } from './output.ts';

/**
 * Arguments as they were given, where Node has put U+FFFD for bytes that are not UTF-8: each of those is a lone surrogate, as in
 * {@link rawName}. Only Linux tells; elsewhere they stay as Node has them.
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
