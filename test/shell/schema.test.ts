import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { COMMANDS } from '../../commands/all-commands.ts';
import { changeLocalFiles, LINES, makeLocalFiles } from '../slow/sessions/session-lines.ts';
import { vtftp } from '../support/program.ts';
import { makeRandom } from '../support/random.ts';
import { makeScratch } from '../support/scratch.ts';
import { undeclaredRecords } from '../support/shells/declared-records.ts';
import { openShellHere } from '../support/shells/shell-here.ts';

type Printed = Readonly<Record<string, unknown>>;

function objects(stdout: string): Printed[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Printed);
}

describe('the schema of what is printed under --json', () => {
  it('is printed by --schema and by help, of all commands or of one', async (t) => {
    const { env } = makeScratch(t);
    const all = await vtftp(['--schema'], { env });
    const schema = JSON.parse(all.stdout) as { readonly $defs: Record<string, { properties: Record<string, { enum?: string[] }> }> };
    const told = await vtftp(['-S', 'memory:', '-c', 'help --schema'], { env });
    assert.deepEqual(JSON.parse(told.stdout), schema);
    const names = new Set(Object.values(schema.$defs).flatMap(({ properties }) => properties['command']?.enum ?? []));
    assert.deepEqual(names, new Set(COMMANDS.filter(({ records = [] }) => records.length > 0).map(({ name }) => name)));
    const one = await vtftp(['--json', '-S', 'memory:', 'help', '--schema', 'dir'], { env });
    const [{ schema: ofLs } = {}] = objects(one.stdout);
    assert.deepEqual(Object.keys((ofLs as { $defs: object }).$defs), ['Entry']);
    const unknown = await vtftp(['-S', 'memory:', 'help', '--schema', 'lss'], { env });
    assert.equal(unknown.status, 2, unknown.report);
  });

  it('objects of the same name are the same', () => {
    const known = new Map<string, unknown>();
    for (const { records = [] } of COMMANDS)
      for (const spec of records) {
        assert.deepEqual(spec, known.get(spec.name) ?? spec);
        known.set(spec.name, spec);
      }
  });

  it('names what a field is that is not declared, so that the other tests find it', () => {
    assert.deepEqual(undeclaredRecords('{"command":"pwd","cwd":"/"}'), []);
    for (const printed of [
      '{"command":"pwd","cwd":5}',
      '{"command":"pwd","cwd":"/","more":1}',
      '{"command":"ls","cwd":"/"}',
      '{"cwd":"/"}',
    ])
      assert.equal(undeclaredRecords(printed).length, 1, printed);
  });

  it('has every object that each command prints', async (t) => {
    const { folder } = makeScratch(t);
    makeLocalFiles(folder);
    const seed = Math.floor(Math.random() * 1e9);
    t.diagnostic(`seed ${seed}`);
    const random = makeRandom(seed);
    const source = { random, folder, dirrefs: [] };
    for (const store of ['peer', 'other']) {
      await using made = await openShellHere({ home: folder, store: `${folder}/${store}` });
      await made.run(`mkdir a; put '${folder}/tree' b`);
      await made.finish();
    }
    await using shell = await openShellHere({ home: folder, store: `${folder}/store`, into: 'json' });
    await shell.run(`put '${folder}/tree' /a; put '${folder}/log' /a/f; sync; mkdir -p /b/a; sync`);
    for (let round = 0; round < 3; round++) {
      changeLocalFiles(source);
      for (const line of Object.values(LINES)) {
        const asked = line(source);
        const { stdout, stderr } = await shell.run(asked);
        assert.deepEqual(undeclaredRecords(`${stdout}\n${stderr}`), [], asked);
      }
    }
  });
});

/** Lines that write, whether they change the tree, and whether that is recorded then. */
const WRITING: readonly (readonly [line: string, changed: boolean, recorded: boolean])[] = [
  ['mkdir a b', true, false],
  ['mkdir -p a', false, false],
  ['put f a', true, false],
  ['sync', false, true],
  ['put f a', false, true],
  ['cp a c', true, false],
  ['mv c d', true, false],
  ['chmod 700 d', true, false],
  ['touch x', true, false],
  ['ln x y', true, false],
  ['rm y', true, false],
  ['rmdir b', true, false],
  ['sync', false, true],
  ['undo', true, true],
  ['redo', true, true],
  ['tag good', false, true],
  ['get a got', false, true],
  ['scrub', false, true],
  ['repair', false, true],
  ['fsck', false, true],
  ['gc', false, true],
  ['forget --keep-last 9', false, true],
];

describe('what becomes of the tree', () => {
  const endsOf = (answers: readonly Printed[]): Printed[] =>
    answers.filter(({ changed, dirref }) => changed !== undefined && dirref !== undefined);

  it('is told by every command that writes: whether it changed, and its Dirref once that is recorded', async (t) => {
    const scratch = makeScratch(t);
    writeFileSync(scratch.path('f'), 'text');
    const input = `${WRITING.map(([command], id) => JSON.stringify({ id, command })).join('\n')}\n`;
    const ran = await vtftp(['--json', '-S', './store'], { env: scratch.env, cwd: scratch.folder, input });
    assert.equal(ran.status, 0, ran.report);
    assert.deepEqual(
      endsOf(objects(ran.stdout)).map(({ id, changed, dirref }) => [WRITING[Number(id)]?.[0], changed, /^D\{/.test(String(dirref))]),
      WRITING,
      ran.report,
    );
  });

  it('is told of a plan too, which changes nothing', async (t) => {
    const scratch = makeScratch(t);
    writeFileSync(scratch.path('f'), 'text');
    const options = { env: scratch.env, cwd: scratch.folder };
    const made = await vtftp(['-S', './store', '-c', 'mkdir a; sync; mkdir b; sync'], options);
    assert.equal(made.status, 0, made.report);
    const lines = [
      'scrub',
      'repair',
      'sync',
      'undo',
      'put f g',
      'put f a',
      'watch . w',
      'follow f l',
      'get a got',
      'gc',
      'mkdir c',
      'ls > out',
    ];
    const ran = await vtftp(['--json', '-n', '-S', './store', ...lines.flatMap((line) => ['-c', line])], options);
    assert.equal(ran.status, 0, ran.report);
    const answers = objects(ran.stdout);
    assert.deepEqual(
      endsOf(answers).map(({ command, changed, plan }) => [command, changed, plan]),
      [
        ['scrub', false, true],
        ['repair', false, true],
        ['sync', false, true],
        ['undo', true, true],
        ['put', true, true],
        ['put', true, true],
        ['watch', true, true],
        ['follow', true, true],
        ['get', false, true],
        ['gc', false, true],
        ['mkdir', true, true],
      ],
      ran.report,
    );
    assert.deepEqual(
      answers.filter(({ plan }) => plan === 'write out'),
      [{ command: 'ls', plan: 'write out' }],
    );
  });
});
