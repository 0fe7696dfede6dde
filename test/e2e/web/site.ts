import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { recited, vtftp } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

/** A Store with some documents, and httpd in front of it. */
export interface Site {
  readonly scratch: Scratch;
  readonly store: string;
  /** With a slash at its end. */
  readonly url: string;
  readonly dirref: string;
  stop(): Promise<{ readonly status: number | null; readonly stderr: string }>;
}

/** What the largest file holds. */
export const BIG = Buffer.alloc(1_000_000, createHash('sha512').update('seed').digest('base64'));

/** Puts some documents, and serves them until the test ends. */
export async function site(t: TestContext, command = 'httpd 0'): Promise<Site> {
  const scratch = makeScratch(t);
  const docs = scratch.mkdir('docs');
  mkdirSync(join(docs, 'below'));
  writeFileSync(join(docs, 'big.bin'), BIG);
  writeFileSync(join(docs, 'README.md'), '# Read <b>me</b>\n');
  writeFileSync(join(docs, 'page.html'), '<script>document.title = "run"</script>');
  writeFileSync(join(docs, "a&b 'c' <d>.txt"), 'odd\n');
  writeFileSync(join(docs, 'turn\u202eed.txt'), 'bidi\n');
  symlinkSync('README.md', join(docs, 'link'));
  const store = scratch.path('store');
  const put = await vtftp(['-S', store, '-c', `put ${docs} docs; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  const served = await serve(scratch, store, command);
  return { scratch, store, url: served.address, dirref: recited(put), stop: () => served.stop() };
}

/** The URL of a path in the tree of the site. */
export function treeUrl({ url, dirref }: Site, path: string): string {
  return `${url}d/${encodeURIComponent(dirref)}/${path}`;
}

/** A request whose path goes out as it stands. */
export async function raw(
  url: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly body: string }> {
  const { hostname, port } = new URL(url);
  return await new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path, headers }, (response) => {
      void textOf(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    })
      .on('error', reject)
      .end();
  });
}
