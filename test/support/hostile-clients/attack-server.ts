import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { formatStoreSpecification, openStore } from '../../../core/openers/open-store.ts';
import type { StoreParameters } from '../../../core/openers/specification.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Served } from '../links/served-program.ts';
import type { ProcessMemory } from '../process-memory.ts';
import { processMemory, processorMs } from '../process-memory.ts';

const CHILD = fileURLToPath(new URL('./hostile-clients-child.js', import.meta.url));
/** Processes that the hostile clients run in. */
const PARTS = 4;
/** How often the honest client is served before the attack. */
const ALONE_ROUNDS = 10;
/** By how much they come after others who want the processor. */
const ATTACK_NICE = 10;

/** How an attack is made. */
export interface Attack {
  readonly served: Served;
  /** How long it goes on at least. */
  readonly seconds: number;
  /** How often the honest client is served at least before it is over. */
  readonly rounds: number;
  /** How long all may take, the server's way to rest after it as well: an attack that lasts so long has won. */
  readonly maxSeconds: number;
  /** Processor time of a second in which a server rests, at most, in milliseconds. */
  readonly maxRestMs: number;
  /** Of a server by TLS, the certificate that clients show; they know it. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
  /** How the honest client opens what is served. */
  readonly type: 'unix' | 'tcp';
  readonly parameters: StoreParameters;
  readonly isReadOnly: boolean;
  /** The name of the only hostile client; default all of them. */
  readonly only?: string | undefined;
}

/** What came of it. */
export interface AttackResult {
  /** The longest that the honest client waited for one of its requests, or to be let in, in milliseconds. */
  readonly longestMs: number;
  /** As before the attack, beside nobody: what the machine itself makes it wait. */
  readonly aloneMs: number;
  readonly rounds: number;
  readonly memory: ProcessMemory;
  /** Milliseconds from the end of the attack to the first second in which the server rested; undefined where none came. */
  readonly restAfterMs: number | undefined;
}

/** Lets all hostile clients loose on a server, and asks as an honest one meanwhile. */
export async function attackServer(attack: Attack): Promise<AttackResult> {
  const { served, seconds, rounds: wanted, maxSeconds, maxRestMs, tls, only } = attack;
  // The first opens what later ones find open.
  await honestRound(attack);
  let aloneMs = 0;
  for (let i = 0; i < ALONE_ROUNDS; i++) aloneMs = Math.max(aloneMs, await honestRound(attack));
  const parts = only === undefined ? Array.from({ length: PARTS }, (_, part) => `${part}/${PARTS}`) : [only];
  const children = parts.map((part) =>
    spawn(process.execPath, [CHILD, served.address, `${maxSeconds}`, tls === undefined ? '' : JSON.stringify(tls), part], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  // They are to wear out the server, not the machine.
  for (const { pid } of children) if (pid !== undefined) setPriority(pid, ATTACK_NICE);
  const ended = Promise.all(children.map(async (child) => await once(child, 'close')));
  try {
    await Promise.all(children.map(async ({ stdout }) => await once(stdout, 'data')));
    const startMs = performance.now();
    const endMs = startMs + maxSeconds * 1000;
    let longestMs = 0;
    let rounds = 0;
    while (rounds < wanted || performance.now() - startMs < seconds * 1000) {
      longestMs = Math.max(longestMs, await honestRound(attack));
      rounds++;
      if (performance.now() > endMs) break;
      await sleep(100);
    }
    for (const child of children) child.kill('SIGKILL');
    await ended;
    const restAfterMs = await comesToRest(served.pid, maxRestMs, endMs);
    const memory = processMemory(served.pid);
    if (memory === undefined) throw new Error('the server has ended');
    return { longestMs, aloneMs, rounds, memory, restAfterMs };
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

/** Waits for a second in which a process hardly works. @returns how long it took to begin, in milliseconds; undefined where it did not come */
async function comesToRest(pid: number, maxRestMs: number, endMs: number): Promise<number | undefined> {
  const startMs = performance.now();
  for (;;) {
    const beginMs = performance.now();
    const before = processorMs(pid);
    await sleep(1000);
    if (processorMs(pid) - before <= maxRestMs) return beginMs - startMs;
    if (beginMs > endMs) return undefined;
  }
}

/** Opens the Store, adds a Block and gets it, and asks for the newest root. @returns the longest of these, in milliseconds */
async function honestRound({ type, parameters, isReadOnly }: Attack): Promise<number> {
  let longest = 0;
  const timed = async <T>(work: Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await work;
    longest = Math.max(longest, performance.now() - start);
    return result;
  };
  const specification = formatStoreSpecification({ kind: 'form', type, parameters });
  await using store = await timed(openStore(specification, { defaultStorePath: '/nowhere', cachePath: '/nowhere' }));
  if (!isReadOnly) {
    const data = randomBytes(60_000);
    const { hashcode } = await timed(store.add(data));
    const got = await timed(store.get(hashcode));
    if (got === undefined || Buffer.compare(got, data) !== 0) throw new Error('the Block that was added is not given');
  }
  const last = await timed(capability(store, 'archives')?.open('default', { readOnly: true }).last() ?? Promise.resolve(undefined));
  if (last === undefined) throw new Error('the root that was recorded is not given');
  return longest;
}
