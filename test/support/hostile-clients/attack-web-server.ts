import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { digestHex, hashcodeOf } from '../../../core/block/hashcode.ts';
import type { Served } from '../links/served-program.ts';
import type { ProcessMemory } from '../process-memory.ts';
import { processMemory } from '../process-memory.ts';

const CHILD = fileURLToPath(new URL('./hostile-web-clients-child.js', import.meta.url));
const ATTACK_NICE = 10;

/** An HTTP server, and how long it is attacked. */
export interface WebAttack {
  readonly served: Served;
  /** Of somebody who may write, and means harm. */
  readonly hostileToken: string;
  readonly honestToken: string;
  /** Rounds of the honest client at least, and seconds. */
  readonly rounds: number;
  readonly seconds: number;
  readonly maxSeconds: number;
  /** The name of one kind; without it all. */
  readonly only?: string;
}

/** What came of it. */
export interface WebAttackResult {
  readonly longestMs: number;
  readonly longest: string;
  readonly rounds: number;
  readonly memory: ProcessMemory;
}

/** Lets all hostile clients loose on a writable HTTP server, and reads and writes as an honest one meanwhile. */
export async function attackWebServer({
  served,
  hostileToken,
  honestToken,
  rounds: wanted,
  seconds,
  maxSeconds,
  only = '',
}: WebAttack): Promise<WebAttackResult> {
  const { port } = new URL(served.address);
  const child = spawn(process.execPath, [CHILD, port, `${maxSeconds}`, hostileToken, only], { stdio: ['ignore', 'pipe', 'inherit'] });
  // They are to wear out the server, not the machine.
  if (child.pid !== undefined) setPriority(child.pid, ATTACK_NICE);
  const ended = once(child, 'close');
  try {
    await once(child.stdout, 'data');
    const startMs = performance.now();
    let longestMs = 0;
    let longest = '';
    let rounds = 0;
    while (rounds < wanted || performance.now() - startMs < seconds * 1000) {
      for (const [what, ms] of await honestRound(served.address, honestToken)) if (ms > longestMs) [longestMs, longest] = [ms, what];
      rounds++;
      if (performance.now() - startMs > maxSeconds * 1000) break;
      await sleep(100);
    }
    child.kill('SIGKILL');
    await ended;
    const memory = processMemory(served.pid);
    if (memory === undefined) throw new Error('the server has ended');
    return { longestMs, longest, rounds, memory };
  } finally {
    child.kill('SIGKILL');
  }
}

/** Puts a Block and gets it, lists a Dir, and records a state. @returns how long each took, in milliseconds */
async function honestRound(url: string, token: string): Promise<(readonly [what: string, ms: number])[]> {
  const took: (readonly [string, number])[] = [];
  const ask = async (path: string, init: RequestInit, isExpected: (status: number) => boolean): Promise<Buffer> => {
    const startMs = performance.now();
    // Each on a connection of its own, as a browser that comes anew.
    const answer = await fetch(new URL(path, url), {
      ...init,
      headers: { authorization: `Bearer ${token}`, connection: 'close', ...init.headers },
    });
    const body = Buffer.from(await answer.arrayBuffer());
    took.push([`${init.method ?? 'GET'} ${path.slice(0, 20)}`, performance.now() - startMs]);
    if (!isExpected(answer.status)) throw new Error(`${init.method ?? 'GET'} ${path}: ${answer.status} ${body.toString('utf8', 0, 300)}`);
    return body;
  };
  const data = randomBytes(60_000);
  const path = `/h/${digestHex(hashcodeOf('sha3-256', data).digest)}.sha3-256`;
  await ask(path, { method: 'PUT', body: data }, (status) => status === 201);
  const got = await ask(path, {}, (status) => status === 200);
  if (Buffer.compare(got, data) !== 0) throw new Error('the Block that was put is not given');
  await ask('/archive/default/', {}, (status) => status === 200);
  const state = `D{meta:M{mtime:${Date.now()}},block:LB{}}`;
  await ask('/archive/honest', { method: 'POST', body: state, headers: { 'if-match': '*' } }, (status) => status === 201 || status === 412);
  return took;
}
