import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { vtftp } from '../../support/program.ts';
import { BIG, site } from './site.ts';

test('another machine opens the Store by its URL: its archive, a Dirref, a pull', async (t) => {
  const here = await site(t);
  const { env } = here.scratch;
  const listed = await vtftp(['-S', here.url, '-c', 'ls; cat docs/README.md; log'], { env });
  assert.equal(listed.status, 0, listed.report);
  assert.match(listed.stdout, /^docs\n# Read <b>me<\/b>\n@1 /);
  const got = await vtftp(['-S', here.url, here.dirref, '-c', `get docs ${here.scratch.path('got')}`], { env });
  assert.equal(got.status, 0, got.report);
  assert.deepEqual(readFileSync(here.scratch.path('got/big.bin')), BIG);
  const other = here.scratch.path('other');
  const pulled = await vtftp(
    ['-S', other, '-c', `mkdir x; bind -u docs '${here.dirref}'; pull --blocks-only -p ${here.url} docs; cat docs/docs/README.md`],
    { env },
  );
  assert.match(pulled.stdout, /# Read <b>me<\/b>/, pulled.report);
  const refused = await vtftp(['-S', here.url, '-c', 'mkdir new'], { env });
  assert.equal(refused.status, 11, refused.report);
  const none = await vtftp(['-S', 'http://127.0.0.1:1/', '-c', 'ls'], { env });
  assert.equal(none.status, 10, none.report);
});

test('a URI with a host opens where nothing else is: its Blocks come from there', async (t) => {
  const here = await site(t);
  const { env } = here.scratch;
  const published = await vtftp(['-S', here.store, '-c', 'publish docs'], { env });
  const path = published.stdout.trim().slice('x-vt:'.length);
  const other = here.scratch.path('other');
  const opened = await vtftp(
    ['-S', other, `x-vt://${new URL(here.url).host}${path}`, '-c', `cat README.md; get . ${here.scratch.path('got')}`],
    { env },
  );
  assert.equal(opened.status, 0, opened.report);
  assert.match(opened.stdout, /# Read <b>me<\/b>/);
  assert.deepEqual(readFileSync(here.scratch.path('got/big.bin')), BIG);
  const served = await serve(here.scratch, here.store, 'serve tcp:127.0.0.1:0');
  const streamed = await vtftp(['-S', other, `x-vt://${served.address.slice('tcp:'.length)}${path}`, '-c', 'cat README.md'], { env });
  assert.match(streamed.stdout, /# Read <b>me<\/b>/, streamed.report);
  const nobody = await vtftp(['-S', other, `x-vt://127.0.0.1:1${path}`, '-c', 'ls'], { env });
  assert.equal(nobody.status, 10, nobody.report);
});

test('who changes a tree of a URI with a host is told that the rest lies there, and how it comes here', async (t) => {
  const here = await site(t);
  const { env } = here.scratch;
  const published = await vtftp(['-S', here.store, '-c', 'publish docs'], { env });
  const path = published.stdout.trim().slice('x-vt:'.length);
  const served = await serve(here.scratch, here.store, 'serve tcp:127.0.0.1:0');
  for (const host of [new URL(here.url).host, served.address.slice('tcp:'.length)]) {
    const other = here.scratch.path(`other-${host.replace(':', '-')}`);
    const changed = await vtftp(['-S', other, `x-vt://${host}${path}`, '-c', 'mkdir new; sync; mkdir newer; quit'], { env });
    const told = [...changed.stderr.matchAll(/recorded here, but unchanged Blocks may be only at .*: repair --from (\S+) /g)];
    assert.equal(told.length, 1, changed.report);
    assert.equal((await vtftp(['-S', other, '-c', 'fsck'], { env })).status, 13);
    const repaired = await vtftp(['-S', other, '-c', `repair --from ${told[0]?.[1]}`, '-c', 'fsck'], { env });
    assert.equal(repaired.status, 0, repaired.report);
    assert.match(repaired.stdout, /2 roots, .*: clean/, repaired.report);
  }
});
