import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Run } from '../../support/program.ts';
import { vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

function lines(text: string): string[] {
  return text.trimEnd().split('\n');
}

function records(session: Run): Record<string, unknown>[] {
  return lines(session.stdout).flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []));
}

test('put and get through a proxy: both Stores have the tree and its archive', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const docs = scratch.mkdir('docs');
  writeFileSync(`${docs}/letter`, 'dear reader\n'.repeat(10_000));
  const [a, b] = [scratch.path('a'), scratch.path('b')];
  const put = await vtftp(['-S', `proxy:save=${a}|${b}`, '-c', `put ${docs} docs; stores; quit`], { env });
  assert.equal(put.status, 0, put.report);
  assert.match(put.stdout, /^session {2}proxy:.*\n {2}save {2}datadir:.*\/a {2}sha3-256 {2}rw {2}\d+ new/m);
  assert.equal(readFileSync(`${a}/archives/default.vt`, 'latin1'), readFileSync(`${b}/archives/default.vt`, 'latin1'));
  for (const store of [a, b]) {
    const got = await vtftp(['-S', store, lines(put.stdout).at(-1) ?? '', '-c', 'cat docs/letter'], { env });
    assert.equal(got.stdout.length, 120_000, got.report);
  }
  const again = await vtftp(['-S', `proxy:save=${a}|${b}`, '-c', `get docs ${scratch.path('out')}; put ${docs} docs`], { env });
  assert.equal(again.status, 0, again.report);
  assert.match(again.stdout, /0 Blocks new|unchanged|0 new/, again.report);
});

test('what a Store does not take waits in the spool over the end of the session, stores shows it, flush sends it on', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const docs = scratch.mkdir('docs');
  writeFileSync(`${docs}/letter`, 'dear reader\n'.repeat(1000));
  // A file stands where the folder of the Store should be.
  const main = scratch.path('main');
  const specification = `proxy:save=${main},save2=${scratch.path('spool')}`;
  writeFileSync(main, '');
  const made = await vtftp(['-S', specification, '-c', `put ${docs} docs; quit`], { env });
  assert.equal(made.status, 0, made.report);
  assert.match(made.stderr, /warning: Store "datadir:.*main" fails .*waits in the spool/);
  assert.equal(lines(made.stderr).length, 1, made.report);

  const waiting = await vtftp(['--json', '-S', specification, '-c', 'stores'], { env });
  const spool = records(waiting).find(({ role }) => role === 'save2');
  assert.ok(Number(spool?.['waiting_blocks']) > 0, waiting.report);
  const refused = await vtftp(['-S', specification, '-c', 'flush'], { env });
  assert.equal(refused.status, 3, refused.report);
  assert.match(refused.stderr, /flush: .*main/);

  const { rmSync } = await import('node:fs');
  rmSync(main);
  const flushed = await vtftp(['-S', specification, '-c', 'flush; stores'], { env });
  assert.equal(flushed.status, 0, flushed.report);
  assert.match(flushed.stdout, /^\d+ Blocks? \(.*\) sent on, 0 waiting$/m);
  assert.match(flushed.stdout, /save2 .* 0 Blocks \(0B\) waiting/);
  const read = await vtftp(['-S', main, lines(made.stdout).at(-1) ?? '', '-c', 'cat docs/letter'], { env });
  assert.equal(read.stdout.length, 12_000, read.report);
});

test('a file cache before a Store gives what was read once, also where the Store is gone', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const docs = scratch.mkdir('docs');
  writeFileSync(`${docs}/letter`, 'dear reader\n'.repeat(10_000));
  const far = scratch.path('far');
  const put = await vtftp(['-S', far, '-c', `put ${docs} docs; quit`], { env });
  const root = lines(put.stdout).at(-1) ?? '';
  const cache = `filecache:${scratch.path('cache')},maxsize=10M`;
  const first = await vtftp(['-S', `proxy:read=(${cache}),read2=${far},copy2=(${cache})`, root, '-c', 'cat docs/letter'], { env });
  assert.equal(first.stdout.length, 120_000, first.report);
  assert.ok(readdirSync(scratch.path('cache')).length > 0);
  const alone = await vtftp(['-S', cache, root, '-c', 'cat docs/letter'], { env });
  assert.equal(alone.stdout.length, 120_000, alone.report);
  const got = await vtftp(['-S', `proxy:read=(${cache}),read2=${far}`, root, '-c', `get docs ${scratch.path('out')}`], { env });
  assert.equal(got.status, 0, got.report);
});

test('a tree is read from one data file', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const docs = scratch.mkdir('docs');
  writeFileSync(`${docs}/letter`, 'dear reader\n'.repeat(10_000));
  const put = await vtftp(['-S', scratch.path('a'), '-c', `put ${docs} docs; quit`], { env });
  const file = readdirSync(scratch.path('a/data'))[0] ?? '';
  const specification = `file:${scratch.path(`a/data/${file}`)}`;
  const read = await vtftp(['-S', specification, lines(put.stdout).at(-1) ?? '', '-c', 'cat docs/letter; stores'], { env });
  assert.equal(read.status, 0, read.report);
  assert.match(read.stdout, /dear reader\nsession {2}file:.* {2}sha3-256 {2}r\n$/);
  const refused = await vtftp(['-S', specification, '-c', 'mkdir x'], { env });
  assert.equal(refused.status, 11, refused.report);
});

test('nobody waits at a FIFO where a file of Blocks should be', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  execFileSync('mkfifo', [scratch.path('fifo')]);
  const raw = await vtftp(['-S', `file:${scratch.path('fifo')}`, '-c', 'ls'], { env });
  assert.equal(raw.status, 10, raw.report);
  assert.match(raw.stderr, /it is not a file/);
  const file = join(scratch.mkdir('media'), 'film');
  writeFileSync(file, makeRandom(5).bytes(1000));
  const lines = `stat film; !sh -c "rm '${file}'; mkfifo '${file}'"; cat film`;
  const platonic = await vtftp(['-S', `platonic:${scratch.path('media')}`, '-c', lines], { env });
  assert.equal(platonic.status, 13, platonic.report);
});

test('--progress=store ends with what went through the Store', async (t) => {
  const scratch = makeScratch(t);
  const docs = scratch.mkdir('docs');
  writeFileSync(`${docs}/letter`, 'dear reader\n'.repeat(10_000));
  const args = ['--progress=store', '-S', scratch.path('a'), '-c'];
  const put = await vtftp([...args, `put ${docs} docs; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  assert.match(put.stderr, /^1\d\dK:\d+ \S+ 0\n$/);
  const read = await vtftp([...args, 'cat docs/letter; stores'], { env: scratch.env });
  assert.match(read.stderr, /^0B:0 1\d\dK 0\n$/, read.report);
  assert.match(read.stdout, /session .* 0B:0 1\d\dK 0$/m);
});

const REFUSED: readonly (readonly [specification: string, status: number, says: RegExp])[] = [
  ['datadir:', 10, /datadir needs a path, at column 9 \(write datadir:PATH\)/],
  ['wat:x', 10, /unknown type of Store "wat", at column 1 \(use one of datadir, /],
  ['proxy:save=(a', 10, /expected "\)", found the end, at column 14/],
  ['file:absent.vtd', 10, /no such file or directory \(name a readable \.vtd file\)/],
  ['proxy:save=(memory:,hash=sha1)|(memory:,hash=blake3)', 10, /all Stores of a proxy need one hash function/],
  ['!exit 3', 10, /its command ended with status 3/],
  ['[nowhere]', 10, /has no clause of this name/],
];

for (const [specification, status, says] of REFUSED) {
  test(`vtftp -S '${specification}' ends with ${status} and one line that tells the remedy`, async (t) => {
    const scratch = makeScratch(t);
    const refused = await vtftp(['-S', specification, '-c', 'ls'], { env: scratch.env, cwd: scratch.folder });
    assert.equal(refused.status, status, refused.report);
    assert.match(refused.stderr, says);
    assert.equal(lines(refused.stderr).length, 1, refused.report);
  });
}

test('a word without a slash is a clause, or a Store that is there; it makes no Store, and the error says what does', async (t) => {
  const scratch = makeScratch(t);
  const options = { env: scratch.env, cwd: scratch.folder };
  mkdirSync(`${scratch.env['XDG_CONFIG_HOME']}/vtftp`, { recursive: true });
  writeFileSync(`${scratch.env['XDG_CONFIG_HOME']}/vtftp/vtftp.conf`, `[server]\nstore = ${scratch.path('srv')}\n`);
  for (const command of ['mkdir a', 'ls', 'pwd']) {
    const typo = await vtftp(['-S', 'servr', '-c', command], options);
    assert.equal(typo.status, 10, typo.report);
    assert.match(
      typo.stderr,
      /Store servr: neither a clause .* \(did you mean server\? for a Store in a folder type \.\/servr\)\n$/,
      typo.report,
    );
    assert.ok(!existsSync(scratch.path('servr')));
  }
  for (const [word, made] of [
    ['server', 'srv'],
    ['./new', 'new'],
    ['new', 'new'],
    ['proxy:save=server|new', 'new'],
  ] as const) {
    const written = await vtftp(['-S', word, '-c', `mkdir -p ${made}`], options);
    assert.equal(written.status, 0, written.report);
    assert.ok(existsSync(scratch.path(`${made}/vtftp-store`)), word);
  }
  mkdirSync(scratch.path('server'));
  const clause = await vtftp(['-S', 'server', '-c', 'ls'], options);
  assert.match(clause.stdout, /^srv$/m, 'a clause goes before a folder');
  const peer = await vtftp(['-c', 'peer servr'], options);
  assert.match(peer.stderr, /^peer: .*did you mean server\?/, peer.report);
});

test('a Store that is named and not there is an error to who reads, and made for who writes', async (t) => {
  const scratch = makeScratch(t);
  const options = { env: scratch.env, cwd: scratch.folder };
  for (const command of ['ls', 'cat x', 'find', 'get x y', 'cd x', 'log x', 'du']) {
    const typo = await vtftp(['-S', './typo', '-c', command], options);
    assert.equal(typo.status, 10, typo.report);
    assert.match(typo.stderr, /there is no Store "datadir:.*typo" \(correct the name; put or mkdir makes a new one\)/);
    assert.ok(!existsSync(scratch.path('typo')));
  }
  const outside = await vtftp(['-S', './typo', '-c', 'pwd; help ls; lpwd; stores'], options);
  assert.equal(outside.status, 0, outside.report);
  const made = await vtftp(['-S', './new', '-c', 'mkdir x; ls'], options);
  assert.equal(made.status, 0, made.report);
  assert.ok(existsSync(scratch.path('new/vtftp-store')));
  const byDefault = await vtftp(['-c', 'ls'], options);
  assert.equal(byDefault.status, 0, byDefault.report);
});

test('a Store that is made cuts as edges= says, and with compression into larger Blocks', async (t) => {
  const scratch = makeScratch(t);
  const words: readonly [string, ...string[]] = ['one', 'two', 'three', 'four', 'five', 'six'];
  const random = makeRandom(7);
  const phrases = Array.from({ length: 60_000 }, () => `${random.pick(words)} ${random.pick(words)} ${random.below(1000)}`);
  writeFileSync(scratch.path('text'), phrases.join('\n'));
  const cut = async (parameters: string): Promise<{ readonly settings: string; readonly mean: number }> => {
    const folder = `s${parameters.replace(/\W/g, '_')}`;
    const options = { env: scratch.env, cwd: scratch.folder };
    const put = await vtftp(['-S', `datadir:${folder}${parameters}`, '-c', 'put text; quit'], options);
    assert.equal(put.status, 0, put.report);
    const got = await vtftp(['-S', folder, '-c', 'get text back'], options);
    assert.equal(got.status, 0, got.report);
    assert.ok(readFileSync(scratch.path('back')).equals(readFileSync(scratch.path('text'))));
    rmSync(scratch.path('back'));
    const [shown] = records(await vtftp(['--json', '-S', folder, '-c', 'inspect text'], options));
    const { size, tree } = shown as { readonly size: number; readonly tree: { readonly leaves: number } };
    const settings = /min=.*\nmean=.*\nmax=.*(\ncoarse=.*)?/.exec(readFileSync(scratch.path(`${folder}/vtftp-store`), 'utf8'))?.[0] ?? '';
    return { settings: settings.replace(/\w+=/g, '').replace(/\n/g, ' '), mean: size / tree.leaves };
  };
  const plain = await cut('');
  assert.equal(plain.settings, '2048 8192 32768 134217728');
  const small = await cut(',edges=512:1K:4K');
  assert.equal(small.settings, '512 1024 4096');
  assert.ok(small.mean < plain.mean / 2, `${small.mean} ${plain.mean}`);
  assert.equal((await cut(',edges=512:1K:4K:1G')).settings, '512 1024 4096 1073741824');
  const packed = await cut(',compression=zlib');
  assert.equal(packed.settings, '49152 98304 262144');
  assert.ok(packed.mean > 40_000, String(packed.mean));
  assert.equal((await cut(',compression=zlib,edges=2K:8K:32K')).settings, '2048 8192 32768');
});

test('a Store that cannot be made is told of once', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('file'), 'x');
  for (const command of [`put ${scratch.path('file')} f`, 'mkdir x']) {
    const refused = await vtftp(['-S', scratch.path('file'), '-c', command], { env: scratch.env });
    assert.equal(refused.status, 10, refused.report);
    assert.equal(lines(refused.stderr).length, 1, refused.report);
    assert.match(refused.stderr, /Store \S*file/);
  }
});

test('vtftp.conf: clauses, types, references, the default Store, and errors with file and line', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const file = scratch.path('home/config/vtftp/vtftp.conf');
  mkdirSync(scratch.path('home/config/vtftp'), { recursive: true });
  const docs = scratch.mkdir('docs');
  writeFileSync(`${docs}/letter`, 'dear reader\n');
  writeFileSync(
    file,
    `; Stores
[GLOBAL]
basedir = ${scratch.path('base')}

[near]
type = datadir
hash = blake3

[a.b]
store = "datadir:${scratch.path('dotted')}"

[both]
type = proxy
save = [near], datadir:${scratch.path('other')}

[default]
store = [near]

[wrong]
store = memory:many

[odd]
type = datadir
colour = red

[round]
store = [round]
`,
  );
  const put = await vtftp(['-S', '[both]', '-c', `put ${docs} docs; quit`], { env });
  assert.equal(put.status, 0, put.report);
  assert.match(put.stdout, /blake3/);
  assert.ok(existsSync(scratch.path('base/near/vtftp-store')) && existsSync(scratch.path('other/vtftp-store')));
  const byDefault = await vtftp(['-c', 'cat docs/letter; stores'], { env });
  assert.equal(byDefault.status, 0, byDefault.report);
  assert.match(byDefault.stdout, /^dear reader\nsession {2}datadir:.*base\/near {2}blake3/);
  assert.equal((await vtftp(['-S', '[a.b]', '-c', 'mkdir x'], { env })).status, 0);
  assert.ok(existsSync(scratch.path('dotted/vtftp-store')));
  for (const [clause, status, says] of [
    ['wrong', 10, /vtftp\.conf:20: store = memory:many: expected a number of bytes, found "many", at column 8 of the value/],
    ['odd', 10, /vtftp\.conf:24: colour = red: unknown parameter "colour" of datadir/],
    ['round', 10, /its clauses name more than 16 others/],
    ['none', 10, /no clause of this name \(use one of \[near\], /],
  ] as const) {
    const refused = await vtftp(['-S', `[${clause}]`, '-c', 'ls'], { env });
    assert.equal(refused.status, status, refused.report);
    assert.match(refused.stderr, says);
  }
  writeFileSync(file, '[a]\nnonsense\n');
  const broken = await vtftp(['-c', 'pwd'], { env });
  assert.equal(broken.status, 2, broken.report);
  assert.match(broken.stderr, /vtftp\.conf:2: expected NAME = VALUE, found "nonsense"/);
  const absent = await vtftp(['--config', scratch.path('absent.conf'), '-c', 'pwd'], { env });
  assert.equal(absent.status, 10, absent.report);
});
