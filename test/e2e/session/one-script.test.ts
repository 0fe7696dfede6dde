import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { recited, vtftp } from '../../support/program.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../../support/s3/s3-stores.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

/** Forty lines that look at a tree in every way, and take parts of it out. */
const SCRIPT = String.raw`pwd
ls
ls -1a
ls -l
ls -lR docs
ls -lSr docs
ls -lt docs/photos
ls -F
cd docs
pwd
ls *.txt
ls [ab]*.txt
cat a.txt b.txt
cat 'name with spaces.txt'
cat $'odd\nname'
head -n 2 long.txt
head -c 10 long.txt
tail -n 2 long.txt
tail -c 10 long.txt
cat --bytes=5-15 long.txt
cat long.txt | wc -lc
cat photos/sea.bin | cksum
cd photos
cd ..
cd -
cd /
tree
tree -L 1 docs
find
find docs -type f -size +1k
find / -name '*.txt' -mtime -100000
du
du -sh docs
stat docs/a.txt | grep -v changed | grep -v born
ls -l docs/link
ls docs/linked-dir
-ls nothing-there || ls -d docs
get docs/long.txt docs/photos taken/
!find taken -type f -exec cksum {} + | sort
find / -type l && cat docs/link
`;

/** The tree that each source shows. */
function makeTree(scratch: Scratch): void {
  scratch.mkdir('tree/docs/photos');
  scratch.mkdir('tree/docs/empty');
  const files: Readonly<Record<string, string>> = {
    'docs/a.txt': 'first\n',
    'docs/b.txt': 'second\n',
    'docs/c.md': '# Third\n',
    'docs/name with spaces.txt': 'blank\n',
    'docs/odd\nname': 'newline\n',
    'docs/long.txt': Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join(''),
    'docs/photos/sea.bin': Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i * 31 + (i >> 7)) & 127)).toString('latin1'),
    'top.txt': 'top\n',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(scratch.path(`tree/${name}`), content);
  symlinkSync('a.txt', scratch.path('tree/docs/link'));
  symlinkSync('photos', scratch.path('tree/docs/linked-dir'));
  const names = ['docs/photos/sea.bin', ...Object.keys(files), 'docs/photos', 'docs/empty', 'docs', '.'];
  for (const [i, name] of names.entries()) utimesSync(scratch.path(`tree/${name}`), 1_700_000_000 + 3600 * i, 1_700_000_000 + 3600 * i);
  execFileSync('touch', ['-h', '-d', '@1700000000', scratch.path('tree/docs/link'), scratch.path('tree/docs/linked-dir')]);
}

/** A way to the same tree: the words of the program that open it. */
type Way = readonly [name: string, words: readonly string[], env?: Readonly<Record<string, string>>];

async function ways(t: TestContext, scratch: Scratch): Promise<Way[]> {
  const options = { env: scratch.env, cwd: scratch.folder };
  const stored = async (store: string, more: Readonly<Record<string, string>> = {}): Promise<string> => {
    const put = await vtftp(['-S', store, '-c', 'put tree/docs tree/top.txt .; quit'], { ...options, env: { ...scratch.env, ...more } });
    assert.equal(put.status, 0, put.report);
    return recited(put);
  };
  const dirref = await stored('./store');
  const later = await vtftp(['-S', './store', '-c', 'rm -r docs; quit'], options);
  assert.equal(later.status, 0, later.report);
  await stored('./here');
  const socket = await serve(scratch, scratch.path('here'), `serve unix:${scratch.path('s')}`);
  const web = await serve(scratch, scratch.path('here'), 'httpd 0');
  const bucket = await FakeS3.start();
  t.after(async () => await bucket[Symbol.asyncDispose]());
  const s3 = `s3://tests/tree?endpoint=${bucket.endpoint}`;
  await stored(s3, keysIn(FAKE_KEYS));
  const key = await vtftp(['-S', './none', 'sealed-key', '--new', 'key'], options);
  assert.equal(key.status, 0, key.report);
  await stored('sealed:key:./sealed');
  const ar = await vtftp(['-S', './here', '-c', 'ar tree.vtd /'], options);
  assert.equal(ar.status, 0, ar.report);
  return [
    ['a Dirref', ['-S', './store', dirref]],
    ['an archive entry', ['./store@1']],
    ['a datadir', ['-S', './here']],
    ['a stream peer', ['-S', socket.address]],
    ['an HTTP daemon', ['-S', web.address]],
    ['an S3 bucket', ['-S', s3], keysIn(FAKE_KEYS)],
    ['a sealed Store', ['-S', 'sealed:key:./sealed']],
    ['an ar over HTTP', [await fileOnTheWeb(t, scratch.path('tree.vtd'))]],
    ['a local directory', [scratch.path('tree')]],
  ];
}

/** A web server with one file, parts of which can be asked for. */
async function fileOnTheWeb(t: TestContext, path: string): Promise<string> {
  const server = createServer(({ headers: { range = '' } }, response) => {
    const data = readFileSync(path);
    const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
    const start = from === '' ? Math.max(0, data.length - Number(to)) : Number(from);
    const end = from === '' || to === '' ? data.length : Math.min(Number(to) + 1, data.length);
    response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${data.length}` }).end(data.subarray(start, end));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/tree.vtd`;
}

/** What the script prints. */
async function printed(scratch: Scratch, [name, words, more = {}]: Way): Promise<string> {
  const cwd = scratch.mkdir(`out ${name}`);
  scratch.mkdir(`out ${name}/taken`);
  const absolute = words.map((word) =>
    word.replace(/^(sealed:)key:/, `$1${scratch.path('key')}:`).replace(/(^|:)\.\//, `$1${scratch.folder}/`),
  );
  writeFileSync(scratch.path('script'), SCRIPT);
  const ran = await vtftp([...absolute, '-q', '-b', scratch.path('script')], { env: { ...scratch.env, ...more }, cwd });
  assert.equal(ran.status, 0, `${name}\n${ran.report}`);
  return ran.stdout;
}

test('the same script of 40 lines prints the same of every kind of source', async (t) => {
  assert.equal(SCRIPT.trim().split('\n').length, 40);
  const scratch = makeScratch(t);
  makeTree(scratch);
  const [first, ...others] = await ways(t, scratch);
  assert.ok(first !== undefined);
  const expected = await printed(scratch, first);
  assert.match(expected, /^line 4999$/m);
  for (const way of others) assert.equal(await printed(scratch, way), expected, way[0]);
  const reason = noMountsHere();
  if (reason !== undefined) {
    t.diagnostic(`without a live mount: ${reason}`);
    return;
  }
  const mount = await mounted(t, scratch, '', scratch.path('live'));
  const filled = await mount.vtftp(mount.path, '-c', 'put tree/docs tree/top.txt .; quit');
  assert.equal(filled.status, 0, filled.report);
  assert.equal(await printed(scratch, ['a live mount', [mount.path], mount.env]), expected, 'a live mount');
});
