import { readFileSync } from 'node:fs';

/**
 * Addresses that a worker thread takes: its code range, heap and stack are some 600 MB of them (Node 20, x86-64), though little memory. Where
 * they are not to be had, V8 ends the process.
 */
const THREAD_ADDRESSES = 1024 ** 3;

const PAGE_SIZE = 4096;

/**
 * How many worker threads may be started: those that are wanted, or fewer where a limit of address space (`ulimit -v`, `LimitAS=`)
 * leaves no room for them. Without any, the work is done in the main thread.
 */
export function threadsAtMost(wanted: number): number {
  const limit = addressLimit();
  if (limit === undefined) return wanted;
  return Math.max(0, Math.min(wanted, Math.floor((limit - addressesInUse()) / THREAD_ADDRESSES)));
}

/** Undefined where there is no limit, and where the system does not tell. */
function addressLimit(): number | undefined {
  try {
    const soft = /^Max address space\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined || soft === 'unlimited' ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

function addressesInUse(): number {
  return Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[0]) * PAGE_SIZE;
}
