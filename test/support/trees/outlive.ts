import { lstatSync, readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { octets } from './make-tree.ts';

/** Milliseconds after which an import trusts what it remembers of a file, and some more. */
const OLD_ENOUGH_MS = 25;

/** Waits until everything below a path is old enough to be trusted. The newest entry counts: which one that is depends on the machine. */
export async function outlive(path: string): Promise<void> {
  const oldEnoughMs = newestBelow(path) + OLD_ENOUGH_MS;
  while (Date.now() < oldEnoughMs) await pause(1);
}

/** The latest change of an entry, in milliseconds since 1970. @param path - in octets */
function newestBelow(path: string): number {
  const seen = lstatSync(octets(path));
  if (!seen.isDirectory()) return seen.ctimeMs;
  const below = readdirSync(octets(path), 'latin1').map((name) => newestBelow(`${path}/${name}`));
  return Math.max(seen.ctimeMs, ...below);
}
