import { readFileSync } from 'node:fs';

/**
 * Bytes of address space to allow for a worker thread. Its code range, heap and stack reserve about 600 MB (Node 20, x86-64), though they
 * use little memory. If the space is not available, V8 ends the process.
 */
const THREAD_ADDRESSES = 1024 ** 3;

const PAGE_SIZE = 4096;

/**
 * How many worker threads may be started: `wanted`, or fewer if a limit of address space (`ulimit -v`, `LimitAS=`) leaves no room for
 * them. If it is 0, the main thread does the work.
 */
export function threadsAtMost(wanted: number): number {
  const limit = addressLimit();
  if (limit === undefined) return wanted;
  return Math.max(0, Math.min(wanted, Math.floor((limit - addressesInUse()) / THREAD_ADDRESSES)));
}

/** The limit of address space in bytes; undefined if there is none, or the system does not report it. */
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
