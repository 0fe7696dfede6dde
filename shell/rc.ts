import { existsSync } from 'node:fs';
import type { Places } from './places.ts';

/**
 * The rc file to run first: the one named by `--rc`, else the usual one, but that only before a prompt: a script must
 * do the same for every user.
 */
export function rcFile(given: string | undefined, asksPrompt: boolean, places: Places): string | undefined {
  if (given !== undefined) return given === '' ? undefined : given;
  const usual = places.config === undefined ? undefined : `${places.config}/rc`;
  return asksPrompt && usual !== undefined && existsSync(usual) ? usual : undefined;
}
