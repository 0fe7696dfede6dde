import { readFileSync } from 'node:fs';

/** The limit to assume if the system does not report one: every system allows as many. */
const LEAST = 256;

let limit: number | undefined;

/** How many descriptors this process may have open. Node has raised the soft limit as far as it may. */
export function descriptorLimit(): number {
  limit ??= readLimit();
  return limit;
}

function readLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    if (soft === 'unlimited') return 2 ** 20;
    return soft === undefined ? LEAST : Number(soft);
  } catch {
    return LEAST; // another system than Linux
  }
}
