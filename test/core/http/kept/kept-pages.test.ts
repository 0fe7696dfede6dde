import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { KeptPages } from '../../../../core/http/kept/kept-pages.ts';
import type { Representation } from '../../../../core/http/representation.ts';

const NEVER = new AbortController().signal;

/** A page that counts how often it is made. */
function counted(
  etag: string,
  text: string,
  more: Partial<Representation> = {},
): { readonly page: Representation; readonly made: () => number } {
  let made = 0;
  const page: Representation = {
    etag,
    contentType: 'text/html; charset=utf-8',
    size: undefined,
    async *read() {
      made++;
      for (const part of text.match(/.{1,1000}/gs) ?? []) yield await Promise.resolve(Buffer.from(part));
    },
    ...more,
  };
  return { page, made: () => made };
}

async function sent(pages: KeptPages, page: Representation): Promise<string> {
  return (await buffer(pages.page(page).read(undefined, NEVER))).toString();
}

test('a page is made once; what is no page, is not to be kept, or is large, each time', async () => {
  const pages = new KeptPages();
  for (const [one, times] of [
    [counted('"a"', 'a page'.repeat(1000)), 1],
    [counted('"b"', 'text', { contentType: 'text/plain' }), 2],
    [counted('"c"', 'text', { headers: { 'cache-control': 'no-store' } }), 2],
    [counted('"d"', 'x'.repeat(300_000)), 2],
  ] as const) {
    const first = await sent(pages, one.page);
    assert.equal(await sent(pages, one.page), first);
    assert.equal(one.made(), times, one.page.etag);
  }
});

test('a page that is not sent to its end is not kept', async () => {
  const pages = new KeptPages();
  const { page, made } = counted('"a"', 'x'.repeat(5000));
  for await (const chunk of pages.page(page).read(undefined, NEVER)) {
    assert.equal(chunk.length, 1000);
    break;
  }
  assert.equal((await sent(pages, page)).length, 5000);
  assert.equal(made(), 2);
});

test('the pages asked for longest ago make room', async () => {
  const pages = new KeptPages();
  const many = Array.from({ length: 60 }, (_, i) => counted(`"${i}"`, 'x'.repeat(200_000)));
  for (const { page } of many) await sent(pages, page);
  for (const { page } of many.slice(-30)) await sent(pages, page);
  assert.deepEqual(
    many.slice(-30).map(({ made }) => made()),
    Array.from({ length: 30 }, () => 1),
  );
  await sent(pages, many[0]?.page as Representation);
  assert.equal(many[0]?.made(), 2);
});
