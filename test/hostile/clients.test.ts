import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { attackServer } from '../support/hostile-clients/attack-server.ts';
import { HOSTILE_CLIENTS } from '../support/hostile-clients/hostile-clients.ts';
import { serve } from '../support/links/served-program.ts';
import { vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

/** Bounds that tell "is served" from "waits for ever"; `npm run attack` has the exact ones. */
const MAX_WAIT_MS = 10_000;
const MAX_MEMORY_MB = 400;
const MAX_REST_MS = 500;

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
    const { longestMs, rounds, memory, restMs } = await attackServer({
      served,
      seconds: 2,
      type: 'unix',
      parameters: { path: scratch.path('socket'), ...(isSecret ? { secret: scratch.path('secret') } : {}) },
      isReadOnly,
    });
    t.diagnostic(`${rounds} rounds, ${Math.round(longestMs)} ms at most, ${Math.round(memory.peak)} MB, ${restMs} ms at rest`);
    assert.ok(rounds > 0);
    assert.ok(longestMs < MAX_WAIT_MS, `the honest client waited ${Math.round(longestMs)} ms`);
    assert.ok(memory.peak < MAX_MEMORY_MB, `the server took ${Math.round(memory.peak)} MB`);
    assert.ok(restMs < MAX_REST_MS, `the server took ${restMs} ms of a second when all had gone`);
    const { status, stderr } = await served.stop();
    assert.equal(status, 143, stderr);
    const checked = await vtftp(['-S', scratch.path('store'), '-c', 'ls tree; fsck'], { env: scratch.env });
    assert.equal(checked.status, 0, checked.report);
  });
