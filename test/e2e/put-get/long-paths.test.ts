import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Run } from '../../support/program.ts';
import { PROGRAM, recited, vtftp } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

const LEVELS = Array.from({ length: 40 }, (_, level) => `level-${level}-`.padEnd(200, 'x'));
/** Longer than PATH_MAX. */
const BOTTOM = ['t', ...LEVELS].join('/');
/** Goes down there a name at a time, and makes what is not there yet, a file in each; then it runs its first argument. */
const AT_BOTTOM = `
import os, subprocess, sys
for name in sys.argv[2:]:
    if not os.path.exists(name):
        os.mkdir(name)
        with open('file', 'w') as file: file.write('above ' + name)
    os.chdir(name)
sys.exit(subprocess.run(['sh', '-c', sys.argv[1]]).returncode)
`;

/** A directory with a tree `t` of 40 levels, a file in each, and nodes of every kind at its bottom. */
function longTree(
  t: TestContext,
): Scratch & { atBottom(run: string): string; find(name: string): string; say(line: string): Promise<Run> } {
  const scratch = makeScratch(t);
  const folder = scratch.mkdir('folder');
  // Node's own removal goes by paths.
  scratch.beforeRemoval(() => execFileSync('rm', ['-rf', folder]));
  const atBottom = (run: string): string =>
    execFileSync('python3', ['-c', AT_BOTTOM, run, 't', ...LEVELS], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, ...scratch.env },
    });
  atBottom('echo bottom >bottom; ln bottom hard; ln -s nowhere sym; mkfifo fifo; mkdir empty; touch -d 2001-02-03 bottom; chmod 711 .');
  return {
    ...scratch,
    folder,
    atBottom,
    // GNU find goes down by open directories.
    find: (name) =>
      execFileSync('find', [name, '-printf', '%P %y %m %n %s %l %T@\n'], { cwd: folder, encoding: 'utf8' }).split('\n').sort().join('\n'),
    say: (line) => vtftp(['-w', '-S', scratch.path('store'), folder, '-c', line], { env: scratch.env }),
  };
}

test('commands in an ordinary directory work on paths of any length', async (t) => {
  const { say, atBottom, find, folder } = longTree(t);
  assert.ok(BOTTOM.length > 8000);
  const whole = find('t');
  const told = await say(`cd ${BOTTOM}; stat hard; du empty; ls nosuch`);
  assert.match(told.stderr, /ls: .*no such/);
  assert.match(told.stdout, /links {5}2/);
  const inOne = await say(
    `find . -name bottom; cp -r t u; cat ${BOTTOM}/bottom; cp ${BOTTOM}/bottom top; cat top; cd ${BOTTOM}; pwd; ls
     cp bottom copy; ln bottom third; ln -s bottom to; cat to; mkdir m; mv hard m/moved; chmod 600 copy; touch new`,
  );
  assert.equal(inOne.status, 0, inOne.report);
  assert.equal(inOne.stdout, `/${BOTTOM}/bottom\nbottom\nbottom\n/${BOTTOM}\nbottom\nempty\nfifo\nhard\nsym\nbottom\n`, inOne.report);
  assert.equal(find('u'), whole, 'cp -r');
  assert.equal(
    atBottom('ls -A; stat -c "%a %h" copy bottom m/moved; readlink to'),
    'bottom\ncopy\nempty\nfifo\nm\nnew\nsym\nthird\nto\n600 1\n644 3\n644 3\nbottom\n',
  );
  assert.equal(readFileSync(`${folder}/top`, 'utf8'), 'bottom\n');
  assert.equal((await say('chmod -R go-r t; mv t/level-0* moved; rm -r u moved; rm -r t')).status, 0);
  assert.deepEqual(readdirSync(folder), ['file', 'top']);
});

test('put, get and bind keep a tree whole whose paths have any length', async (t) => {
  const { say, atBottom, find, path, env, folder } = longTree(t);
  const put = await vtftp(['-S', path('store'), '-c', 'put t; get t got; quit'], { env, cwd: folder });
  assert.equal(put.status, 0, put.report);
  assert.equal(find('got'), find('t'));
  const bound = await say(`cd ${BOTTOM}; bind here/ '${recited(put)}'`);
  assert.equal(bound.status, 0, bound.report);
  assert.equal(atBottom('cat here/t/file'), `above ${LEVELS[0]}`);
});

test('a working directory whose path is longer than the system tells is the one that counts', async (t) => {
  const { atBottom, path } = longTree(t);
  const program = `"${process.execPath}" "${PROGRAM}" -S "${path('store')}"`;
  const told = atBottom(`PWD=/; export PWD; ${program} -c 'lpwd; put bottom; get bottom got; quit' && cat got`);
  assert.match(told, /^\/proc\/self\/cwd\n(.*\n)*bottom\n$/);
});

test('a working directory that was removed is not the one that has its name now', async (t) => {
  const scratch = makeScratch(t);
  const folder = scratch.mkdir('w');
  const program = `"${process.execPath}" "${PROGRAM}" -S "${scratch.path('store')}"`;
  writeFileSync(scratch.path('wrong'), 'wrong');
  const run = (made: string): string =>
    execFileSync('sh', ['-c', `cd "${folder}" && rmdir "${folder}" && ${made}; ${program} -c 'lpwd; -put wrong; quit' 2>&1`], {
      encoding: 'utf8',
      env: { ...process.env, ...scratch.env, PWD: folder },
    });
  const kept = run('true');
  assert.match(kept, new RegExp(`^${folder}\n`), kept);
  mkdirSync(folder);
  const anew = run(`mkdir "${folder}" && cp "${scratch.path('wrong')}" "${folder}/wrong"`);
  assert.match(anew, /put: \/proc\/self\/cwd\/wrong: no such file or directory/, anew);
});
