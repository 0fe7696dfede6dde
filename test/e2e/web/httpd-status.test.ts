import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

interface Status {
  readonly ok: boolean;
  readonly items: readonly Readonly<Record<string, unknown>>[];
}

test('monitors learn the age of each archive, and what needs care', async (t) => {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  const made = await vtftp(['-S', store, '-c', 'mkdir a; quit'], { env: scratch.env });
  assert.equal(made.status, 0, made.report);
  const { address } = await serve(scratch, store, 'httpd 0');
  const answer = await fetch(`${address}status`);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const status = (await answer.json()) as Status;
  assert.equal(status.ok, true);
  const archive = status.items.find(({ what }) => what === 'archive');
  assert.deepEqual([archive?.['archive'], archive?.['number'], archive?.['ok']], ['default', 1, true]);
  const shown = await (await fetch(`${address}status`, { headers: { accept: 'text/html' } })).text();
  assert.match(shown, /All is well\.[\s\S]*default@1/);

  await (await fetch(`${address}nowhere`)).arrayBuffer();
  const metrics = await (await fetch(`${address}metrics`)).text();
  for (const line of metrics.trimEnd().split('\n'))
    assert.match(line, /^(?:# TYPE \w+ (?:gauge|counter)|\w+(?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})? -?\d+(?:\.\d+)?)$/);
  assert.match(metrics, /^vtftp_archive_ok\{archive="default"\} 1$/m);
  assert.match(metrics, /^vtftp_archive_age_seconds\{archive="default"\} \d+$/m);
  assert.match(metrics, /^vtftp_disk_free_bytes\{path="[^"]+"\} \d+$/m);
  assert.match(metrics, /^vtftp_http_requests_total\{code="4xx"\} 1$/m);
});
