import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { makeAuthority, makeCertificate } from '../../support/links/tls-files.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

function keysOf(name: string, authority: string): string {
  return `,cert=${name}.pem,key=${name}.key,ca=${authority}.pem`;
}

it('by mutual TLS a Store is served to whoever shows a certificate of the authority, and to nobody else', async (t) => {
  const scratch = makeScratch(t);
  for (const name of ['ca', 'other-ca']) makeAuthority(scratch.folder, name);
  makeCertificate(scratch.folder, 'host', 'ca', 'IP:127.0.0.1');
  makeCertificate(scratch.folder, 'elsewhere', 'ca', 'DNS:elsewhere.example');
  makeCertificate(scratch.folder, 'me', 'ca', 'DNS:me');
  makeCertificate(scratch.folder, 'stranger', 'other-ca', 'DNS:stranger');
  mkdirSync(scratch.path('tree'));
  writeFileSync(scratch.path('tree/file'), Buffer.alloc(3_000_000, 'what goes through TLS '));
  const store = scratch.path('store');
  const run = async (address: string, commands: string) =>
    await vtftp(['-S', address, '-c', commands], { env: scratch.env, cwd: scratch.folder });

  const options = (name: string): string =>
    ['cert', 'key', 'ca']
      .map((what) => `--tls-${what} ${scratch.path(what === 'key' ? `${name}.key` : what === 'ca' ? 'ca.pem' : `${name}.pem`)}`)
      .join(' ');
  // Reachable from other machines, as certificates are asked for.
  const served = await serve(scratch, store, `serve ${options('host')} tcp:0.0.0.0:0`);
  const port = served.address.split(':').at(-1) ?? '';
  const address = `tcp:127.0.0.1:${port}`;
  const put = await run(`${address}${keysOf('me', 'ca')}`, `put ${scratch.path('tree')} tree; quit`);
  assert.equal(put.status, 0, put.report);
  const got = await run(`${address}${keysOf('me', 'ca')}`, `get tree ${scratch.path('got')}`);
  assert.equal(got.status, 0, got.report);
  assert.deepEqual(readFileSync(scratch.path('got/file')), readFileSync(scratch.path('tree/file')));

  for (const [name, keys, status, says] of [
    ['no TLS at all', '', 10, /connection|ended|reset|EPIPE/i],
    ['a certificate of another authority', keysOf('stranger', 'ca'), 12, /not served: its certificate: /],
    ['another authority asked for', keysOf('me', 'other-ca'), 10, /certificate/i],
  ] as const) {
    const refused = await run(`${address}${keys}`, 'ls');
    assert.equal(refused.status, status, `${name}\n${refused.report}`);
    assert.match(refused.stderr, says, name);
    assert.equal(refused.stdout, '', name);
  }
  const half = await run(`${address},cert=me.pem`, 'ls');
  assert.equal(half.status, 10, half.report);
  assert.match(half.stderr, /cert=, key= and ca= go together/);
  const { stderr, status: ended } = await served.stop();
  assert.equal(ended, 143, stderr);
  assert.match(stderr, /client \d+ refused: its certificate: /);

  const impostor = await serve(scratch, store, `serve ${options('elsewhere')} tcp:0`);
  const wrong = await run(`${impostor.address}${keysOf('me', 'ca')}`, 'ls');
  assert.equal(wrong.status, 10, wrong.report);
  assert.match(wrong.stderr, /altnames|IP/);
  await impostor.stop();
});

it('TLS is refused with files that do not fit, and on other sockets than TCP', async (t) => {
  const scratch = makeScratch(t);
  makeAuthority(scratch.folder, 'ca');
  makeCertificate(scratch.folder, 'host', 'ca', 'IP:127.0.0.1');
  makeCertificate(scratch.folder, 'me', 'ca', 'DNS:me');
  writeFileSync(scratch.path('no.pem'), 'no certificate\n');
  for (const [command, status, says] of [
    ['serve --tls-cert host.pem tcp:0', 2, /--tls-cert, --tls-key and --tls-ca go together/],
    ['serve --tls-cert host.pem --tls-key host.key --tls-ca ca.pem unix:./sock', 2, /cannot use TLS/],
    ['serve --tls-cert host.pem --tls-key me.key --tls-ca ca.pem tcp:0', 10, /mutual TLS: /],
    ['serve --tls-cert no.pem --tls-key host.key --tls-ca ca.pem tcp:0', 10, /mutual TLS: /],
    ['serve --tls-cert nowhere.pem --tls-key host.key --tls-ca ca.pem tcp:0', 10, /nowhere\.pem/],
    ['serve tcp:0.0.0.0:0', 12, /--tls-cert, --tls-key and --tls-ca, or a secret by --secret/],
  ] as const) {
    const run = await vtftp(['-S', 'memory:', '-c', command], { env: scratch.env, cwd: scratch.folder });
    assert.equal(run.status, status, run.report);
    assert.match(run.stderr, says, run.report);
  }
});
