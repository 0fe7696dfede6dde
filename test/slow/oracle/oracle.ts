import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM } from '../../support/program.ts';
import type { Random } from '../../support/random.ts';
import { makeRandom } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { leadsOut, makeCommand } from './commands.ts';
import { LineProcess } from './line-process.ts';
import { describeTree, fillTree } from './local-tree-state.ts';

/** Commands of a script. */
const COMMANDS = 6;
/** Scripts in one process: its Store, in memory, keeps every state. */
const SCRIPTS_OF_A_PROCESS = 200;

/** Copies, moves and removals against the programs that everybody knows. */
export const oracleTorture: Torture = {
  name: 'oracle',
  does: `scripts of ${COMMANDS} commands (put, get, mv, cp, ln, rm) with collisions, symlinks, slashes, dots and targets of every type, compared with GNU cp, mv, ln, rm and rsync`,
  promise: 'the same statuses and trees, except for the differences in vtftp(1)',
  fullRounds: 10_000,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const home = join(limits.folder, 'home');
  mkdirSync(home, { recursive: true });
  const env = { ...process.env, HOME: home, XDG_RUNTIME_DIR: home };
  const local = join(limits.folder, 'local');
  for (let seed = limits.seed; tally.goesOn; ) {
    mkdirSync(local, { recursive: true });
    await using ours = new LineProcess([process.execPath, PROGRAM, '-q', '-S', 'memory:', '--json'], statusOfRecord, { cwd: local, env });
    await using theirs = new LineProcess(['sh'], statusOfLine, { cwd: limits.folder, env });
    await ours.run('set onerror continue');
    for (let i = 0; i < SCRIPTS_OF_A_PROCESS && tally.goesOn; i++, seed++) await runScript(limits.folder, seed, { ours, theirs }, tally);
  }
  return tally.result();
}

function statusOfRecord(line: string): number | undefined {
  const record = JSON.parse(line) as { readonly done?: boolean; readonly status?: number };
  return record.done === true ? (record.status ?? 0) : undefined;
}

function statusOfLine(line: string): number | undefined {
  const [, status] = /^status (\d+)$/.exec(line) ?? [];
  return status === undefined ? undefined : Number(status);
}

interface Sides {
  readonly ours: LineProcess;
  readonly theirs: LineProcess;
}

async function runScript(folder: string, seed: number, sides: Sides, tally: TortureTally): Promise<void> {
  const random = makeRandom(seed);
  const place = (name: string): string => join(folder, name);
  const worlds = { local: place('their-local'), stored: place('their-stored') };
  await begin(folder, random, sides);
  const script: string[] = [];
  for (let i = 0; i < COMMANDS; i++) {
    if (leadsOut(worlds.local) || leadsOut(worlds.stored)) break;
    const { ours, theirs } = makeCommand(random, worlds);
    script.push(ours);
    const before = [describeTree(worlds.local), describeTree(worlds.stored)].map((lines) => lines.join(', ')).join(' | ');
    const done = await sides.ours.run(ours);
    const status =
      theirs === undefined ? 1 : (await sides.theirs.run(`{ ${theirs}; } >/dev/null 2>&1 </dev/null; echo "status $?"`)).status;
    const difference =
      (done.status === 0) === (status === 0)
        ? await differences(folder, sides)
        : `vtftp ends with ${done.status}, ${theirs ?? 'the manual'} with ${status}`;
    tally.note(`${ours.replace(/ .*/, '')}${theirs === undefined ? ' refused' : ''}`);
    if (difference !== '') {
      tally.fault(
        `seed ${seed}: ${script.join('; ')}\n  before: ${before}\n  ${theirs ?? 'to be refused'}\n  ${done.said.trim()}\n  ${difference}`,
      );
      break;
    }
  }
  tally.count('scripts');
}

/** Makes the trees of a script, the same on both sides. */
async function begin(folder: string, random: Random, { ours }: Sides): Promise<void> {
  const place = (name: string): string => join(folder, name);
  execFileSync('sh', ['-c', 'rm -rf their-local their-stored got; find local -mindepth 1 -delete'], { cwd: folder });
  for (const name of ['their-local', 'their-stored']) {
    mkdirSync(place(name));
    fillTree(place(name), random);
  }
  execFileSync('cp', ['-aT', 'their-local', 'local'], { cwd: folder });
  await ours.run('-rm -rf /*');
  await ours.run('cd /');
  // As one, so that names of one node stay names of one.
  await ours.run(`put ${place('their-stored')} top`);
  await ours.run('-mv top/* /; rmdir top');
}

/** What differs between the sides, or nothing. */
async function differences(folder: string, { ours }: Sides): Promise<string> {
  rmSync(join(folder, 'got'), { recursive: true, force: true });
  mkdirSync(join(folder, 'got'));
  await ours.run(`get / ${join(folder, 'got')}`);
  return [
    ['stored', 'got', 'their-stored'],
    ['local', 'local', 'their-local'],
  ]
    .map(([what = '', mine = '', other = '']) => {
      const [a, b] = [describeTree(join(folder, mine)), describeTree(join(folder, other))];
      const only = (from: string[], without: string[]): string[] => from.filter((line) => !without.includes(line));
      const [extra, lacking] = [only(a, b), only(b, a)];
      return extra.length + lacking.length === 0 ? '' : `${what}: has ${extra.join(', ')}; lacks ${lacking.join(', ')}`;
    })
    .filter((text) => text !== '')
    .join('; ');
}
