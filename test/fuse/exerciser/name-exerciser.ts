import type { Random } from '../../support/random.ts';
import { makeRandom } from '../../support/random.ts';
import { FLAGS } from '../posix/checks.ts';
import type { Caller, CallName, SystemCalls } from '../posix/system-calls.ts';
import { CallError } from '../posix/system-calls.ts';

/** Names to choose from: few, so that they meet. */
const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;
const MAX_DEPTH = 3;

/** What is done to both trees. */
export interface NameExercise {
  readonly seed: number;
  readonly operations: number;
  /** Called at random with nothing open; may give another caller for the first tree. */
  readonly pause?: () => Promise<Caller | undefined>;
  readonly pauseEvery?: number;
}

/**
 * Makes, links, renames, exchanges and removes names at random in two trees, which have to answer alike and be alike: one to
 * be tried, and one that is known to be right.
 *
 * @throws an Error that tells the seed and the operation
 */
export async function exerciseNames(tried: Caller, oracle: Caller, exercise: NameExercise): Promise<void> {
  const { seed, operations, pause, pauseEvery = 200 } = exercise;
  const random = makeRandom(seed);
  let caller = tried;
  for (let i = 0; i < operations; i++) {
    const [name, ...args] = pickCall(random);
    const found = await outcome(caller, name, args);
    const wanted = await outcome(oracle, name, args);
    const said = `seed ${seed}, operation ${i}, ${name}(${args.join(', ')})`;
    if (found !== wanted) throw new Error(`${said}: ${found}, has to be ${wanted}`);
    if (random.below(pauseEvery) !== 0 && i < operations - 1) continue;
    caller = (await pause?.()) ?? caller;
    const [one, other] = [await treeLines(caller), await treeLines(oracle)];
    if (one !== other) throw new Error(`${said}: the trees differ:\n${one}\n-- has to be\n${other}`);
  }
}

type AnyCall = readonly [CallName, ...(string | number)[]];

function pickCall(random: Random): AnyCall {
  const path = (): string => Array.from({ length: 1 + random.below(MAX_DEPTH) }, () => random.pick(NAMES)).join('/');
  const kind = random.below(100);
  if (kind < 22) return ['mkdir', path(), 0o755];
  if (kind < 40) return ['mknod', path(), 0o100644];
  if (kind < 46) return ['symlink', path(), path()];
  if (kind < 48) return ['mknod', path(), 0o010600];
  if (kind < 58) return ['link', path(), path()];
  if (kind < 72) return ['rename', path(), path()];
  if (kind < 77) return ['rename2', path(), path(), 2];
  if (kind < 80) return ['rename2', path(), path(), 1];
  if (kind < 90) return ['unlink', path()];
  if (kind < 95) return ['rmdir', path()];
  return ['truncate', path(), random.below(10_000)];
}

/** What came of a call. Errors that POSIX leaves to choose between count as one. */
async function outcome(caller: Caller, name: CallName, args: readonly (string | number)[]): Promise<string> {
  try {
    await caller.call(name, ...(args as unknown as Parameters<SystemCalls[typeof name]>));
    return 'success';
  } catch (error) {
    if (error instanceof CallError) return error.errno;
    throw error;
  }
}

/** Every node below, with what a name exerciser changes of it. Names of one node are known by the first of them. */
async function treeLines(caller: Caller): Promise<string> {
  const lines: string[] = [];
  const firstNames = new Map<number, string>();
  const ahead = ['.'];
  for (let dir = ahead.pop(); dir !== undefined; dir = ahead.pop()) {
    for (const name of await namesOf(caller, dir)) {
      const path = `${dir}/${name}`;
      const { ino, mode, nlink, size } = await caller.call('lstat', path);
      const isDir = (mode & 0o170000) === 0o040000;
      if (isDir) ahead.push(path);
      const first = firstNames.get(ino) ?? path;
      firstNames.set(ino, first);
      const target = (mode & 0o170000) === 0o120000 ? await caller.call('readlink', path) : '';
      lines.push(`${path} ${mode.toString(8)} links ${nlink} ${isDir ? '' : `size ${size} is ${first}`} ${target}`);
    }
  }
  return lines.join('\n');
}

async function namesOf(caller: Caller, dir: string): Promise<string[]> {
  const fd = await caller.call('open', dir, FLAGS.O_RDONLY | FLAGS.O_DIRECTORY);
  const names: string[] = [];
  for (;;) {
    const entries = await caller.call('getdents', fd, 8192);
    if (entries.length === 0) break;
    names.push(...entries.map(({ name }) => name));
  }
  await caller.call('close', fd);
  return names.filter((name) => name !== '.' && name !== '..').sort();
}
