import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDatadir } from '../../../core/datadir/datadir-recovery.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { undeclaredRecords } from '../../support/shells/declared-records.ts';
import { openShellHere, type ShellHere } from '../../support/shells/shell-here.ts';
import { treeLines } from '../../support/trees/tree-lines.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { changeLocalFiles, type LineSource, makeLocalFiles, randomLine } from './session-lines.ts';

/** Sequences on one Store. */
const PER_STORE = 25;
/** Lines of a sequence, at most. */
const MAX_LINES = 14;

/** Random lines of all commands in one session. */
export const sessionsTorture: Torture = {
  name: 'sessions',
  does: 'random sequences of all commands in one session; it ends with quit, or with sync and without quit; gc --grace 0 follows',
  promise: 'a new session shows the same tree, and the printed Dirref opens it',
  fullRounds: 20_000,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  for (let batch = 0; tally.goesOn; batch++) {
    const folder = join(limits.folder, `batch-${batch}`);
    mkdirSync(folder);
    makeLocalFiles(folder);
    const random = makeRandom(limits.seed + batch);
    const source: LineSource & { readonly dirrefs: string[] } = { random, folder, dirrefs: [] };
    for (const store of ['peer', 'other', ...(random.chance(80) ? ['store'] : [])]) {
      await using shell = await openShellHere({ home: folder, store: join(folder, store) });
      await shell.run(`mkdir a; put '${folder}/tree' b; mkdir -p c/${store}`);
      await shell.finish();
    }
    for (let i = 0; i < PER_STORE && tally.goesOn; i++) {
      const lines: string[] = [];
      try {
        const wrong = await sequence(source, lines, tally);
        if (wrong !== undefined) tally.fault(`batch ${batch}, sequence ${i}: ${wrong}\n  ${lines.join('\n  ')}`);
      } catch (error) {
        tally.fault(`batch ${batch}, sequence ${i}: ${error instanceof Error ? error.stack : String(error)}\n  ${lines.join('\n  ')}`);
      }
    }
    rmSync(folder, { recursive: true, force: true });
  }
  return tally.result();
}

/** Exit statuses that are documented, and that one session may end a line with. */
const STATUSES: ReadonlySet<number> = new Set([0, 1, 2, 3, 10, 11, 12, 13]);

/** One session and the one after it. @returns what does not hold */
async function sequence(
  source: LineSource & { readonly dirrefs: string[] },
  lines: string[],
  tally: TortureTally,
): Promise<string | undefined> {
  const { random, folder } = source;
  const setup = { home: folder, store: join(folder, 'store') };
  const isQuit = random.chance(60);
  tally.count(isQuit ? 'ended by quit' : 'ended after sync');
  changeLocalFiles(source);
  let shown: Shown;
  {
    const into = random.chance(30) ? 'json' : 'pipe';
    tally.note(into === 'json' ? 'printed as JSON' : 'printed as text');
    await using shell = await openShellHere({ ...setup, into });
    for (let count = 2 + random.below(MAX_LINES); count > 0; count--) {
      const line = randomLine(source);
      const { status, stdout, stderr } = await shell.run(line);
      lines.push(`${line}  → ${status}`);
      tally.note('lines');
      if (!STATUSES.has(status) || /\[object|Error:|\n\s+at /.test(stderr)) return `"${line}" ended with ${status}: ${stderr}`;
      const undeclared = into === 'json' ? undeclaredRecords(`${stdout}\n${stderr}`) : [];
      if (undeclared.length > 0) return `"${line}" printed ${undeclared.join('\n')}`;
      if (status === 0 && /^(?:sync|undo|redo)/.test(line)) {
        const wrong = await recordedAs(shell);
        if (wrong !== undefined) return `after "${line}": ${wrong}`;
        const dirref = line === 'sync' ? dirrefIn(stdout) : undefined;
        if (dirref !== undefined) source.dirrefs.push(dirref);
      }
    }
    shown = await ended(shell, isQuit);
  }
  if (shown.dirref !== undefined) source.dirrefs.push(shown.dirref);
  if (source.dirrefs.length > 12) source.dirrefs.splice(0, source.dirrefs.length - 12);
  return await compare(setup, shown, random);
}

/** What a session showed in the end. */
interface Shown {
  readonly lines: readonly string[];
  readonly dirref: string | undefined;
  /** Its tree is that of the default archive. */
  readonly isDefault: boolean;
}

async function ended(shell: ShellHere, isQuit: boolean): Promise<Shown> {
  await shell.run('cd @');
  // A target that is gone meanwhile is an error of its last round.
  await shell.session.tails.endAll().catch(() => undefined);
  let dirref: string | undefined;
  if (!isQuit) {
    const { status, stdout } = await shell.run('sync');
    if (status === 0) dirref = dirrefIn(stdout);
  }
  const lines = await treeLines(shell.session.tree);
  if (isQuit) dirref = await shell.finish();
  return { lines, dirref, isDefault: shell.session.archive?.name.endsWith('/default.vt') === true };
}

/** The Dirref that `sync` printed, as text or as JSON. */
function dirrefIn(stdout: Buffer): string | undefined {
  return /D\{(?:[^"\n]|\\")*\}/.exec(stdout.toString())?.[0].replaceAll('\\"', '"');
}

/** Whether the newest entry of the archive is the tree. */
async function recordedAs({ session }: ShellHere): Promise<string | undefined> {
  const { archive, tree } = session;
  if (archive === undefined || session.view !== undefined || session.tails.followers.length > 0) return undefined;
  const last = await archive.last();
  if (tree.isAt(last?.dirent)) return undefined;
  return `the archive has ${last === undefined ? 'nothing' : `root ${last.number}: ${formatDirent(last.dirent)}`}, and the tree is another`;
}

async function compare(
  setup: { readonly home: string; readonly store: string },
  shown: Shown,
  random: Random,
): Promise<string | undefined> {
  if (isDatadir(setup.store)) {
    await using care = await openShellHere(setup);
    const { status, stderr } = await care.run('gc --grace 0 --rootless');
    if (status !== 0) return `gc ended with ${status}: ${stderr}`;
  }
  const sources = [...(shown.isDefault ? [undefined] : []), ...(shown.dirref === undefined || random.chance(50) ? [] : [shown.dirref])];
  for (const source of sources) {
    await using again = await openShellHere({ ...setup, ...(source === undefined ? {} : { source }) });
    const lines = await treeLines(again.session.tree);
    const wrong = difference(shown.lines, lines);
    if (wrong !== undefined) return `${source ?? 'a new session'} shows another tree: ${wrong}`;
  }
  return undefined;
}

function difference(before: readonly string[], after: readonly string[]): string | undefined {
  const [was, is] = [new Set(before), new Set(after)];
  const lost = before.filter((line) => !is.has(line));
  const come = after.filter((line) => !was.has(line));
  const show = (lines: readonly string[]): string =>
    lines
      .slice(0, 5)
      .map((line) => line.slice(0, 100))
      .join(' | ');
  return lost.length + come.length === 0 ? undefined : `lost ${show(lost)}; come ${show(come)}`;
}
