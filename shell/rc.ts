import { existsSync } from 'node:fs';
import type { Places } from './places.ts';

/**
 * The rc file to run first: the one that `--rc` names, else the usual one, but only before a prompt: a script means
 * the same for every user.
 */
export function rcFile(given: string | undefined, asksPrompt: boolean, places: Places): string | undefined {
  if (given !== undefined) return given === '' ? undefined : given;
  const usual = places.config === undefined ? undefined : `${places.config}/rc`;
  return asksPrompt && usual !== undefined && existsSync(usual) ? usual : undefined;
}
