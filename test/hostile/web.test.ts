import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { attackWebServer } from '../support/hostile-clients/attack-web-server.ts';
import { HOSTILE_WEB_CLIENTS } from '../support/hostile-clients/hostile-web-clients.ts';
import { serve } from '../support/links/served-program.ts';
import { vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

// An attack ends once the honest client was served so often: it fails if that never comes. `npm run attack` has the exact bounds.

const ROUNDS = 3;
const MAX_SECONDS = 180;
const MAX_MEMORY_MB = 700;

const HOSTILE = 'a-secret-of-somebody-hostile';
const HONEST = 'a-secret-of-somebody-honest';

it(`${HOSTILE_WEB_CLIENTS.length} kinds of hostile client of a writable HTTP server keep nobody waiting, and fill no memory`, async (t) => {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('tree'));
  writeFileSync(scratch.path('tree/file'), 'honest\n');
  writeFileSync(scratch.path('rights'), `hostile ${HOSTILE} add\nhonest ${HONEST} add\n`, { mode: 0o600 });
  const run = async (line: string) => await vtftp(['-S', scratch.path('store'), '-c', line], { env: scratch.env });
  const put = await run(`put ${scratch.path('tree')} tree; quit`);
  assert.equal(put.status, 0, put.report);
  const served = await serve(scratch, scratch.path('store'), `httpd --rights ${scratch.path('rights')} 0`);
  const { longestMs, longest, rounds, memory } = await attackWebServer({
    served,
    hostileToken: HOSTILE,
    honestToken: HONEST,
    rounds: ROUNDS,
    seconds: 2,
    maxSeconds: MAX_SECONDS,
  });
  t.diagnostic(`${rounds} rounds, ${Math.round(longestMs)} ms at most (${longest}), ${Math.round(memory.peak)} MB`);
  assert.ok(rounds >= ROUNDS, `the honest client was served ${rounds} times in ${MAX_SECONDS} s`);
  assert.ok(memory.peak < MAX_MEMORY_MB, `the server took ${Math.round(memory.peak)} MB`);
  const { status, stderr } = await served.stop();
  assert.equal(status, 143, stderr);
  const checked = await run('ls tree; archives; fsck');
  assert.equal(checked.status, 0, checked.report);
});
