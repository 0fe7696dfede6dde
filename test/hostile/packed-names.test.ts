import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { serve } from '../support/links/served-program.ts';
import { run, vtftp } from '../support/program.ts';
import { makeRandom } from '../support/random.ts';
import { makeScratch } from '../support/scratch.ts';

/** Names that a header of a tar or zip, or a program that reads it, may take for something else; a character is a byte. */
const NAMES = [
  'new\nline',
  'esc\x1b[31m',
  '-rf',
  'a=b',
  '\xff\xfe bad',
  '\xc3\xa9',
  'x'.repeat(255),
  'back\\slash',
  'c:',
  'tab\t',
  '"q"',
  "it's",
  '*',
  '~',
  '\x7f',
  '\xe2\x80\xae rtl',
  '%41',
  '%2e%2e',
  '...',
  'PaxHeaders',
  '7 x=y\n',
];

const inBytes = (path: string): Buffer => Buffer.from(path, 'latin1');

test('a tar and a zip of hostile names are, for GNU tar and bsdtar, the tree that was put', async (t) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('source');
  const random = makeRandom(Date.now() % 1_000_000);
  const odd = Array.from({ length: 20 }, () =>
    Buffer.from(random.bytes(1 + random.below(60)))
      .toString('latin1')
      .replace(/[\0/]/g, '_'),
  ).filter((name) => name !== '.' && name !== '..');
  for (const name of [...NAMES, ...odd]) {
    const below = `${source}/dir ${name.slice(0, 100)}`;
    mkdirSync(inBytes(below), { recursive: true });
    writeFileSync(inBytes(`${source}/${name}`), inBytes(name.repeat(3)));
    writeFileSync(inBytes(`${below}/${name}`), inBytes(`deep ${name}`));
  }
  for (const [at, target] of ['/etc/passwd', '../../..', 'new\nline', 'y'.repeat(3000)].entries())
    symlinkSync(target, `${source}/link ${at}`);
  const store = scratch.path('store');
  const put = await vtftp(['-S', store, '-c', `put ${source} t; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  const server = await serve(scratch, store, 'httpd 0');
  for (const [query, program, options] of [
    ['tar', 'tar', ['-xpf']],
    ['tar', 'bsdtar', ['-xpf']],
    ['zip', 'bsdtar', ['-xpf']],
  ] as const) {
    const packed = scratch.path(`t.${query}`);
    writeFileSync(packed, Buffer.from(await (await fetch(`${server.address}archive/default/t/?${query}`)).arrayBuffer()));
    const target = scratch.mkdir(`${program}-${query}`);
    const unpacked = await run(program, [...options, packed, '-C', target]);
    assert.equal(unpacked.status, 0, unpacked.stderr);
    // rsync names what differs in content, kind or target; times of symlinks and Dirs are left to others.
    const differences = execFileSync('rsync', ['-rlnc', '--delete', '--out-format=%n', `${source}/`, `${target}/t/`], {
      encoding: 'latin1',
    });
    assert.equal(differences, '', `${program} of ?${query}`);
    assert.equal(execFileSync('ls', ['-A', target], { encoding: 'latin1' }), 't\n', 'nothing is beside it');
  }
});
