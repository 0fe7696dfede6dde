import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { VtError } from '../../../core/base/errors.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { openShellHere } from '../../support/shells/shell-here.ts';
import { treeLines } from '../../support/trees/tree-lines.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { changeLocalFiles, LINES, type LineSource, makeLocalFiles } from './session-lines.ts';

/** Rounds on one Store. */
const PER_STORE = 25;
/** Turns of the event loop, and milliseconds, after which a line is interrupted, at most. */
const MAX_TURNS = 40;
const MAX_MS = 12;

/** Those that show another tree or go on by themselves: their end is no state of the tree that was. */
const LEFT_OUT: readonly string[] = ['open', 'cd', 'follow', 'watch', 'untail', 'tails'];
const NAMES = Object.keys(LINES).filter((name) => !LEFT_OUT.includes(name));

/** Ctrl-C in the middle of any command. */
export const interruptsTorture: Torture = {
  name: 'interrupts',
  does: 'Ctrl-C at a random moment of a random command',
  promise:
    'the tree is as it was before or after the command; the exit status is documented; the session continues, and a new one shows the same tree',
  fullRounds: 1000,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  for (let batch = 0; tally.goesOn; batch++) {
    const folder = join(limits.folder, `batch-${batch}`);
    mkdirSync(folder);
    makeLocalFiles(folder);
    const source: LineSource = { random: makeRandom(limits.seed + batch), folder, dirrefs: [] };
    for (const store of ['peer', 'other', 'store']) {
      await using shell = await openShellHere({ home: folder, store: join(folder, store) });
      await shell.run(`mkdir a; put '${folder}/tree' b; sync; mkdir -p c/${store}; cp b a/c; sync; rm b/f`);
      await shell.finish();
    }
    for (let i = 0; i < PER_STORE && tally.goesOn; i++) {
      const name = NAMES[source.random.below(NAMES.length)] ?? 'sync';
      const line = LINES[name]?.(source) ?? 'sync';
      const wrong = await round(source, line, tally);
      if (wrong !== undefined) tally.fault(`batch ${batch}, round ${i}: "${line}": ${wrong}`);
    }
    rmSync(folder, { recursive: true, force: true });
  }
  return tally.result();
}

/** Exit statuses that a command may end with, interrupted or not. */
const STATUSES: ReadonlySet<number> = new Set([0, 1, 2, 3, 10, 11, 12, 13, 130]);

/** Interrupts one line. @returns what does not hold */
async function round(source: LineSource, line: string, tally: TortureTally): Promise<string | undefined> {
  const { random, folder } = source;
  changeLocalFiles(source);
  const setup = { home: folder, store: join(folder, 'store') };
  const twin = join(folder, 'twin');
  rmSync(twin, { recursive: true, force: true });
  if (existsSync(setup.store)) cpSync(setup.store, twin, { recursive: true });
  await using shell = await openShellHere(setup);
  const before = await treeLines(shell.session.tree);
  const interrupt = new AbortController();
  const stop = atSomeMoment(random, () => interrupt.abort(new VtError('ECANCELLED', 'cancelled')));
  const { status, stderr } = await shell.run(line, interrupt.signal);
  stop();
  tally.count(status === 130 ? 'cancelled' : 'over before');
  if (!STATUSES.has(status) || /\[object|Error:|\n\s+at /.test(stderr)) return `it ended with ${status}: ${stderr}`;
  const after = await treeLines(shell.session.tree);
  if (!same(before, after)) {
    const whole = await treeAfter(folder, twin, line);
    if (!same(whole, after))
      return `the tree is neither as before nor as after it: ${difference(before, after)}; after it: ${difference(before, whole)}`;
    if (status === 130) tally.note('of these done all the same');
  }
  const next = await shell.run('ls -R /; sync');
  if (next.status !== 0) return `then "ls -R /; sync" ended with ${next.status}: ${next.stderr}`;
  await using again = await openShellHere(setup);
  const recorded = await treeLines(again.session.tree);
  return same(after, recorded) ? undefined : `a new session shows another tree: ${difference(after, recorded)}`;
}

/** Does something at a moment that nobody can foresee. @returns what calls it off */
function atSomeMoment(random: Random, action: () => void): () => void {
  if (random.chance(50)) {
    const timer = setTimeout(action, random.below(MAX_MS));
    return () => clearTimeout(timer);
  }
  let left = random.below(MAX_TURNS);
  let isOff = false;
  const step = (): void => {
    if (isOff) return;
    if (left-- <= 0) action();
    else setImmediate(step);
  };
  step();
  return () => {
    isOff = true;
  };
}

/** The tree of a copy of the Store after the whole of a line. */
async function treeAfter(folder: string, store: string, line: string): Promise<readonly string[]> {
  await using shell = await openShellHere({ home: folder, store });
  await shell.run(line);
  return await treeLines(shell.session.tree);
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => line === b[i]);
}

function difference(a: readonly string[], b: readonly string[]): string {
  const [was, is] = [new Set(a), new Set(b)];
  const show = (lines: readonly string[]): string =>
    lines
      .slice(0, 5)
      .map((line) => line.slice(0, 100))
      .join(' | ');
  return `lost ${show(a.filter((line) => !is.has(line)))}; come ${show(b.filter((line) => !was.has(line)))}`;
}
