import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Log } from '../../support/growing-log.ts';
import { vtftp } from '../../support/program.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';

/** Milliseconds between two lines, on average, and from the first round of the program to its kill, at most. */
const LINE_MS = 3;
const MAX_LIFE_MS = 150;

/** Messages between two rotations, on average. */
const LINES_A_FILE = 200;

/** Milliseconds between what has to be told apart by the times of files. */
const TICK_MS = 20;

/** Rounds between two looks at the whole content. */
const CHECK_EVERY = 8;

/** Rounds with one Store and its logs: what goes wrong late is as likely in the tenth Store, and each round is short. */
const ROUNDS_A_STORE = 80;

/** A log that is written and rotated all the time, and a process that follows it, killed at any moment. */
export const tailKillTorture: Torture = {
  name: 'tail-kill',
  does: 'SIGKILL at random moments of a process that follows a log, which is continuously written and rotated, by rename and by copy',
  promise: 'the stored content has everything written, exactly once',
  fullRounds: 2000,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const random = makeRandom(limits.seed);
  let messages = 0;
  for (let store = 0; tally.goesOn; store++) {
    const folder = join(limits.folder, String(store));
    messages += await killOften(folder, tally, random);
    if (tally.faults === 0) rmSync(folder, { recursive: true, force: true });
  }
  return tally.result(`${messages} messages`);
}

/** Kills what follows two logs into a new Store, again and again. @returns messages that were written */
async function killOften(folder: string, tally: TortureTally, random: Random): Promise<number> {
  const store = join(folder, 'store');
  const env = { HOME: join(folder, 'home') };
  const logs = ['renamed', 'copied'].map((name) => ({ name, log: new Log(join(folder, 'logs', `${name}.log`), false) }));
  const follow = logs.map(({ name, log }) => `follow ${log.path} ${name} --every 0`).join('; ');
  let number = 0;
  let isWriting = true;
  // What was rotated before anybody followed it is no part of it.
  for (const { log } of logs) log.write('the first line\n');
  const first = await vtftp(['-S', store, '-c', follow], { env });
  if (first.status !== 0) tally.fault(first.report);
  const writers = logs.map(async ({ name, log }) => {
    while (isWriting) {
      await delay(random.below(2 * LINE_MS));
      log.write(`${number++} ${'a message '.repeat(random.below(20))}\n`.repeat(1 + random.below(3)));
      if (random.below(LINES_A_FILE) > 0) continue;
      // A tick of the kernel's clock on both sides, by which times of files can be told apart.
      await delay(TICK_MS);
      if (name === 'copied') log.rotateByCopy();
      else {
        log.rotateByRename();
        await delay(TICK_MS);
        if (random.chance(50)) log.write('to the old one\n');
        log.reopen();
      }
      await delay(TICK_MS);
    }
  });
  let isLast = false;
  for (let round = 1; !isLast; round++) {
    const broken = await vtftp(['-S', store, '-c', `${follow}; wait`], {
      env,
      during: async (program) => {
        if (random.chance(80)) await program.printed('following');
        // The moment is the matter here: nothing the program says marks it.
        await delay(random.below(MAX_LIFE_MS));
        program.kill('SIGKILL');
      },
    });
    tally.count(broken.signal === 'SIGKILL' ? 'killed' : 'ended before');
    if (broken.signal !== 'SIGKILL') tally.fault(broken.report);
    isLast = round === ROUNDS_A_STORE || !tally.goesOn;
    if (round % CHECK_EVERY === 0 || isLast) await check();
  }
  isWriting = false;
  await Promise.all(writers);
  for (const { log } of logs) log.close();
  return number;

  async function check(): Promise<void> {
    const sizes = logs.map(({ log }) => log.written.length);
    const got = (name: string): string => join(folder, `got-${name}`);
    const caughtUp = await vtftp(['-S', store, '-c', [follow, ...logs.map(({ name }) => `get ${name} ${got(name)}`)].join('; ')], { env });
    if (caughtUp.status !== 0) tally.fault(caughtUp.report);
    for (const [i, { name, log }] of logs.entries()) {
      const content = existsSync(got(name)) ? readFileSync(got(name)) : Buffer.alloc(0);
      // What is written while it is followed may come, or not.
      if (content.length >= (sizes[i] ?? 0) && content.equals(log.written.subarray(0, content.length))) continue;
      tally.fault(`${name} is ${differenceOf(content, log.written)}, in ${folder}: ${caughtUp.stderr}`);
    }
  }
}

function differenceOf(content: Buffer, written: Buffer): string {
  let at = 0;
  while (at < content.length && content[at] === written[at]) at++;
  return `${content.length} octets of ${written.length}, and others from octet ${at}: "${content.subarray(at, at + 60).toString()}" for "${written.subarray(at, at + 60).toString()}"`;
}
