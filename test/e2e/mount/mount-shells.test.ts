import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

/** A program that answers each line with lines of its own, the last of which says that it is done. */
class Answering {
  readonly #child;
  readonly #lines;
  readonly #isLast: (line: string) => boolean;

  constructor(
    scratch: Scratch,
    command: readonly [string, ...string[]],
    cwd: string,
    env: NodeJS.ProcessEnv,
    isLast: (line: string) => boolean,
  ) {
    const [program, ...args] = command;
    this.#child = spawn(program, args, { cwd, env: { ...process.env, LC_ALL: 'C.UTF-8', ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#isLast = isLast;
    // Before what it stands in is taken away.
    scratch.beforeRemoval(() => this.#child.kill('SIGKILL'));
  }

  /** Gives the lines that come for a line, the last one among them. */
  async say(line: string): Promise<string[]> {
    this.#child.stdin.write(`${line}\n`);
    const output: string[] = [];
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`ended at "${line}" after ${output.join('\n')}`);
      output.push(value);
      if (this.#isLast(value)) return output;
    }
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }
}

/** Everything in a directory but times: kinds, modes, sizes, links, targets, contents. */
const LIST =
  "find . -mindepth 1 \\( -type d -printf '%p d %m\\n' -o -printf '%p %y %m %s %n %l\\n' \\) | LC_ALL=C sort; find . -type f -print0 | LC_ALL=C sort -z | xargs -0r md5sum";

/** One step: what is done to the plain directory, and by whom to the tree, in which words. */
interface Operation {
  readonly plain: string;
  readonly by: 'program' | 'shell';
  readonly words: string;
}

const NAMES: readonly [string, ...string[]] = ['a', 'b', 'c', 'dd', 'a name', 'ä'];

/** A step that can be done, chosen by what stands in the plain directory. */
function nextOperation(random: ReturnType<typeof makeRandom>, plain: string, locals: readonly [string, ...string[]]): Operation {
  const dirs: [string, ...string[]] = ['.'];
  const files: string[] = [];
  const all: string[] = [];
  const walk = (dir: string): void => {
    for (const name of readdirSync(join(plain, dir))) {
      const path = `${dir}/${name}`;
      all.push(path);
      const found = lstatSync(join(plain, path));
      if (found.isDirectory()) {
        dirs.push(path);
        walk(path);
      } else if (found.isFile()) files.push(path);
    }
  };
  walk('.');
  const free = (): string | undefined => {
    const path = `${random.pick(dirs)}/${random.pick(NAMES)}`;
    return path.split('/').length > 5 || all.includes(path) ? undefined : path;
  };
  const isShell = random.chance(60);
  for (;;) {
    const to = free();
    const from = all[random.below(Math.max(1, all.length))];
    const file = files[random.below(Math.max(1, files.length))];
    const local = random.pick(locals);
    const both = (plainLine: string, shellLine = plainLine): Operation => ({
      plain: plainLine,
      by: isShell ? 'shell' : 'program',
      words: isShell ? shellLine : plainLine,
    });
    switch (random.below(10)) {
      case 0:
      case 1:
        if (to !== undefined) return both(`mkdir "${to}"`);
        break;
      case 2:
        if (to !== undefined) return both(`cp -p "${local}" "${to}"`, `put "${local}" "${to}"`);
        break;
      case 3:
        if (file !== undefined && isShell) return both(`rm "${file}"; cp -p "${local}" "${file}"`, `put "${local}" "${file}"`);
        if (file !== undefined) return both(`printf ${random.below(1000)} >> "${file}"`);
        break;
      case 4:
        if (from !== undefined && to !== undefined && !`${to}/`.startsWith(`${from}/`)) return both(`mv "${from}" "${to}"`);
        break;
      case 5:
        if (from !== undefined && all.length > 12) return both(`rm -r "${from}"`);
        break;
      case 6:
        if (file !== undefined && to !== undefined) return both(`ln "${file}" "${to}"`);
        break;
      case 7:
        if (to !== undefined) return both(`ln -s some/where "${to}"`);
        break;
      case 8:
        if (file !== undefined) return both(`chmod ${random.pick(['600', '644', '755', '400'])} "${file}"`);
        break;
      default:
        if (from !== undefined && to !== undefined && all.length < 60 && !`${to}/`.startsWith(`${from}/`))
          return both(`cp -a "${from}" "${to}"`, `cp "${from}" "${to}"`);
    }
  }
}

test(
  'a program and two attached shells, under random commands, leave what the same commands leave of a plain directory',
  {
    skip: noMountsHere() ?? false,
  },
  async (t) => await compare(t, []),
);

test(
  'programs in three mounts of one live Dir and two attached shells leave it as a plain directory, in all of them',
  {
    skip: noMountsHere() ?? false,
  },
  async (t) => await compare(t, ['second', 'third']),
);

/** @param others - mounts of the same Dir besides the first */
async function compare(t: TestContext, others: readonly string[]): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = makeRandom(seed);
  const scratch = makeScratch(t);
  const mount = await mounted(t, scratch);
  const plain = scratch.mkdir('plain');
  mkdirSync(scratch.path('locals'));
  const locals: [string, ...string[]] = [scratch.path('locals/empty'), scratch.path('locals/text'), scratch.path('locals/large')];
  for (const [index, size] of [0, 20, 200_000].entries()) writeFileSync(locals[index] ?? '', random.bytes(size));
  const sh = (cwd: string): Answering =>
    new Answering(scratch, ['sh', '-c', 'while IFS= read -r line; do eval "$line" 2>&1; echo "done $?"; done'], cwd, {}, (line) =>
      line.startsWith('done '),
    );
  const shell = (): Answering =>
    new Answering(scratch, [process.execPath, PROGRAM, '--json', mount.path], scratch.folder, mount.env, (line) =>
      /"done":true/.test(line),
    );
  for (const name of others) {
    scratch.beforeRemoval(
      () => void spawnSync(process.execPath, [PROGRAM, '-c', `umount ${scratch.path(name)}`], { env: { ...process.env, ...mount.env } }),
    );
    const made = await mount.vtftp('-c', `mount ${mount.path} ${scratch.path(name)}`);
    assert.equal(made.status, 0, made.report);
  }
  const [oracle, first, second] = [sh(plain), shell(), shell()];
  const programs: [Answering, ...Answering[]] = [sh(mount.path), ...others.map((name) => sh(scratch.path(name)))];
  for (let step = 0; step < 150; step++) {
    const { plain: line, by, words } = nextOperation(random, plain, locals);
    const actor = by === 'program' ? random.pick(programs) : random.chance(50) ? first : second;
    const where = `seed ${seed}, step ${step}: ${by}: ${words}`;
    assert.deepEqual(await oracle.say(line), ['done 0'], where);
    const done = (await actor.say(words)).at(-1) ?? '';
    assert.match(done, /^done 0$|"status":0/, `${where}: ${done}`);
    if (step % 5 !== 4) continue;
    const expected = await oracle.say(LIST);
    assert.deepEqual(await random.pick(programs).say(LIST), expected, where);
    if (step % 50 !== 49) continue;
    for (const program of programs) assert.deepEqual(await program.say(LIST), expected, where);
    // What was recorded is the same, wherever it is opened.
    const dirref = String((JSON.parse((await first.say('sync')).at(0) ?? '') as { readonly dirref?: string }).dirref);
    const back = scratch.path(`back-${step}`);
    const got = await vtftp(['-S', scratch.path('store'), dirref, '-c', `get . '${back}'`], { env: scratch.env });
    assert.equal(got.status, 0, got.report);
    const listed = await run('sh', ['-c', LIST], { cwd: back, env: { LC_ALL: 'C.UTF-8' } });
    assert.deepEqual(listed.stdout.trimEnd().split('\n'), (await oracle.say(LIST)).slice(0, -1), where);
  }
  for (const each of [first, second, ...programs, oracle]) await each.end();
  for (const name of others) {
    const gone = await mount.vtftp('-c', `umount ${scratch.path(name)}`);
    assert.equal(gone.status, 0, gone.report);
  }
  assert.match(recited(await mount.unmount()), /^D\{/);
}
