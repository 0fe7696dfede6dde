import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { attackServer } from '../support/hostile-clients/attack-server.ts';
import { HOSTILE_CLIENTS } from '../support/hostile-clients/hostile-clients.ts';
import { serve } from '../support/links/served-program.ts';
import { vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

// An attack ends once the honest client was served so often: it fails if that never comes. `npm run attack` has the exact bounds.

const ROUNDS = 2;
const MAX_SECONDS = 180;
const MAX_MEMORY_MB = 500;
const MAX_REST_MS = 100;

for (const { options, isSecret, isReadOnly } of [
  { options: '', isSecret: false, isReadOnly: false },
  { options: '--append-only', isSecret: true, isReadOnly: false },
  { options: '--read-only', isSecret: false, isReadOnly: true },
])
  it(`${HOSTILE_CLIENTS.length} hostile clients keep nobody waiting, and fill no memory: serve ${options}${isSecret ? ' --secret' : ''}`, async (t) => {
    const scratch = makeScratch(t);
    mkdirSync(scratch.path('tree'));
    writeFileSync(scratch.path('tree/file'), 'honest\n');
    writeFileSync(scratch.path('secret'), 'a secret of some length', { mode: 0o600 });
    const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${scratch.path('tree')} tree; quit`], { env: scratch.env });
    assert.equal(put.status, 0, put.report);
    const more = isSecret ? `--secret ${scratch.path('secret')}` : '';
    const served = await serve(scratch, scratch.path('store'), `serve ${options} ${more} unix:${scratch.path('socket')}`);
    const { longestMs, rounds, memory, restAfterMs } = await attackServer({
      served,
      seconds: 2,
      rounds: ROUNDS,
      maxSeconds: MAX_SECONDS,
      maxRestMs: MAX_REST_MS,
      type: 'unix',
      parameters: { path: scratch.path('socket'), ...(isSecret ? { secret: scratch.path('secret') } : {}) },
      isReadOnly,
    });
    t.diagnostic(`${rounds} rounds, ${Math.round(longestMs)} ms at most, ${Math.round(memory.peak)} MB, at rest after ${restAfterMs} ms`);
    assert.ok(rounds >= ROUNDS, `the honest client was served ${rounds} times in ${MAX_SECONDS} s`);
    assert.ok(memory.peak < MAX_MEMORY_MB, `the server took ${Math.round(memory.peak)} MB`);
    assert.notEqual(restAfterMs, undefined, 'the server worked on when all had gone');
    const { status, stderr } = await served.stop();
    assert.equal(status, 143, stderr);
    const checked = await vtftp(['-S', scratch.path('store'), '-c', 'ls tree; fsck'], { env: scratch.env });
    assert.equal(checked.status, 0, checked.report);
  });
