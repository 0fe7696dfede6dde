import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { serve } from '../../support/links/served-program.ts';
import { isInstalled } from '../../support/needed-programs.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

/** A picture of one pixel. */
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

/** What a script of a stored file would do. */
const EVIL = "document.title='ran';fetch('/archive/default/ran')";
const HOSTILE: Readonly<Record<string, string>> = {
  'evil.html': `<!doctype html><title>quiet</title><script>${EVIL}</script><script src="evil.js"></script><img src=x onerror="${EVIL}">`,
  'evil.xhtml': `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>quiet</title><script>${EVIL}</script></head><body/></html>`,
  'evil.svg': `<svg xmlns="http://www.w3.org/2000/svg" onload="${EVIL}"><title>quiet</title><script>${EVIL}</script></svg>`,
  'evil.xml': `<?xml version="1.0"?><x xmlns:h="http://www.w3.org/1999/xhtml"><h:script>${EVIL}</h:script></x>`,
  'evil.js': EVIL,
  'evil.md': `<script>${EVIL}</script>\n\n<img src=x onerror="${EVIL}">\n\n[click](javascript:${EVIL}) ![i](javascript:${EVIL})\n`,
  [`<img src=x onerror="${EVIL.replaceAll('/', '∕')}">.txt`]: 'name\n',
};

/** Twelve seconds of silence, 8,000 octets a second. */
function silence(): Buffer {
  const data = Buffer.alloc(96_000, 128);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(8000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

interface Site {
  /** The URL of the folder in the newest state, with its slash. */
  readonly url: string;
  /** Stores the folder again. */
  put(): Promise<void>;
  readonly folder: string;
}

async function site(t: TestContext): Promise<Site> {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const folder = scratch.mkdir('docs');
  mkdirSync(join(folder, 'alone/in/here'), { recursive: true });
  for (const name of ['hostile', 'pictures']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'README.md'), '# Title\n\nSome *words*, a [link](alone/) and `code`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n');
  writeFileSync(join(folder, 'large.txt'), 'line\n'.repeat(20_000));
  writeFileSync(join(folder, 'small.txt'), 'first\n');
  writeFileSync(join(folder, 'picture.png'), PNG);
  for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, 'pictures', `${name}.png`), PNG);
  writeFileSync(join(folder, 'program.py'), 'def answer():\n    return 42\n');
  writeFileSync(join(folder, 'sound.wav'), silence());
  writeFileSync(join(folder, 'alone/in/here/needle.txt'), 'found\n');
  for (const [name, text] of Object.entries(HOSTILE)) writeFileSync(join(folder, 'hostile', name), text);
  const store = scratch.path('store');
  const put = async (): Promise<void> => {
    const done = await vtftp(['-S', store, '-c', `put ${folder} /; quit`], { env });
    assert.equal(done.status, 0, done.report);
  };
  await put();
  writeFileSync(join(folder, 'small.txt'), 'second, and longer\n');
  await put();
  const { address } = await serve(scratch, store, 'httpd 0');
  return { url: `${address}archive/default/docs/`, put, folder };
}

const unable = isInstalled('chromium') ? false : 'chromium is needed (apt-get install chromium)';

test('the page in a browser', { skip: unable }, async (all) => {
  const { url, put, folder } = await site(all);
  const browser: Browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  all.after(async () => await browser.close());

  async function pageOf(t: TestContext, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context = await browser.newContext(options);
    t.after(async () => await context.close());
    return await context.newPage();
  }

  await all.test('reads for everybody: axe finds nothing serious, in the dark neither', async (t) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      // Pages run no script but their own, so not that of axe either.
      const page = await pageOf(t, { colorScheme, bypassCSP: true });
      for (const path of [
        '',
        '?q=txt',
        '../?log',
        '/status',
        '?diff=1',
        'small.txt?log',
        'small.txt?diff=1',
        'program.py?view',
        'pictures/?pictures',
        'pictures/b.png?view',
        'large.txt?view',
        'large.txt?blocks',
        'README.md?view',
        'picture.png?view',
      ]) {
        await page.goto(new URL(path, url).href);
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>(
          'axe.run()',
        );
        const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
        assert.deepEqual(
          serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`),
          [],
          `${colorScheme} ${path}`,
        );
      }
    }
  });

  await all.test('goes by the keyboard: filter, walk, enter, up; sorts; searches below', async (t) => {
    const page = await pageOf(t);
    await page.goto(url);
    assert.equal(await page.locator('article h1').textContent(), 'Title');
    assert.equal(await page.locator('tbody tr a', { hasText: 'alone/in/here/' }).count(), 1);
    await page.keyboard.press('/');
    await page.keyboard.type('.txt');
    assert.equal(await page.locator('#count').textContent(), '2 of 9');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'small.txt');
    await page.keyboard.press('/');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Size' }).click();
    await page.getByRole('button', { name: 'Size' }).click();
    assert.deepEqual(
      await page
        .locator('tbody td:first-child')
        .allTextContents()
        .then((names) => names.slice(1, 3)),
      ['large.txt', 'sound.wav'],
    );
    await page.keyboard.press('/');
    await page.keyboard.type('NEEDLE');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\?q=NEEDLE$/);
    await page.getByRole('link', { name: 'alone/in/here/needle.txt' }).click();
    await page.waitForURL(/needle\.txt\?view$/);
    assert.equal(await page.locator('pre').textContent(), 'found\n');
    await page.getByRole('link', { name: 'Open' }).click();
    assert.equal(await page.locator('body').textContent(), 'found\n');
    await page.goto(`${url}alone/`);
    await page.keyboard.press('u');
    await page.waitForURL(url);
  });

  await all.test('sorts, filters and walks through more names than are laid out at a time', async (t) => {
    const many = join(folder, 'many names');
    mkdirSync(many);
    for (let i = 0; i < 600; i++) writeFileSync(join(many, `name ${String(i).padStart(3, '0')}`), 'x'.repeat(i % 7));
    await put();
    const page = await pageOf(t);
    await page.goto(`${url}many%20names/`);
    const names = async (): Promise<string[]> => await page.locator('tbody td:first-child').allTextContents();
    const all600 = Array.from({ length: 600 }, (_, i) => `name ${String(i).padStart(3, '0')}`);
    assert.deepEqual(await names(), ['..', ...all600]);
    assert.equal(await page.locator('tbody').count(), 3);
    await page.getByRole('button', { name: 'Size' }).click();
    const bySize = all600.toSorted((a, b) => (Number(a.slice(5)) % 7) - (Number(b.slice(5)) % 7));
    assert.deepEqual(await names(), ['..', ...bySize]);
    await page.keyboard.press('/');
    await page.keyboard.type('59');
    assert.equal(await page.locator('#count').textContent(), '16 of 600');
    assert.deepEqual(await names(), ['..', ...bySize.filter((name) => name.includes('59'))]);
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#count').textContent(), '');
    assert.deepEqual(await names(), ['..', ...bySize]);
    await page.getByRole('button', { name: 'Name' }).click();
    await page.getByRole('button', { name: 'Name' }).click();
    // From one group of rows to the next.
    await page.getByRole('link', { name: 'name 351' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'name 349');
    assert.deepEqual(await names(), ['..', ...all600.toReversed()]);
  });

  await all.test('shows a picture, seeks in a sound, and goes through history and differences', async (t) => {
    const page = await pageOf(t);
    await page.goto(`${url}picture.png?view`);
    assert.equal(await page.evaluate('document.querySelector("img").decode().then(() => document.querySelector("img").naturalWidth)'), 1);
    await page.goto(`${url}sound.wav?view`);
    const at = `new Promise((resolve, reject) => {
      const sound = document.querySelector('audio');
      sound.onerror = () => reject(new Error('it does not play'));
      sound.onseeked = () => resolve(sound.currentTime);
      const seek = () => { sound.currentTime = 9 };
      if (sound.readyState > 0) seek(); else sound.onloadedmetadata = seek;
    })`;
    assert.equal(await page.evaluate(at), 9);
    await page.goto(url);
    await page.getByRole('link', { name: 'History' }).click();
    await page.getByRole('link', { name: 'What changed in state 2' }).click();
    assert.match((await page.locator('main').textContent()) ?? '', /0 new, 1 changed, 0 gone/);
    await page.getByRole('link', { name: 'docs/', exact: true }).click();
    await page.getByRole('link', { name: 'small.txt' }).click();
    assert.equal(await page.locator('pre ins').textContent(), '+second, and longer\n');
    await page.getByRole('link', { name: 'Now' }).click();
    await page.getByRole('link', { name: 'Versions' }).click();
    assert.equal(await page.locator('tbody tr').count(), 2);
    await page.locator('tbody tr').nth(1).getByRole('link').click();
    assert.equal(await page.locator('pre').textContent(), 'first\n');
  });

  await all.test('colours a program, and walks through pictures by the keyboard', async (t) => {
    const page = await pageOf(t);
    await page.goto(`${url}program.py?view`);
    await page.locator('pre .hljs-keyword', { hasText: 'def' }).waitFor();
    assert.equal(await page.locator('pre').textContent(), 'def answer():\n    return 42\n');
    await page.goto(`${url}pictures/`);
    await page.getByRole('link', { name: 'Pictures', exact: true }).click();
    await page.waitForURL(/\?pictures$/);
    const shown = 'Promise.all([...document.images].map(async (one) => (await one.decode(), one.naturalWidth)))';
    assert.deepEqual(await page.evaluate(shown), [1, 1, 1]);
    await page.getByRole('link', { name: 'a.png' }).click();
    await page.waitForURL(/a\.png\?view$/);
    await page.keyboard.press('ArrowRight');
    await page.waitForURL(/b\.png\?view$/);
    await page.keyboard.press('ArrowRight');
    await page.waitForURL(/c\.png\?view$/);
    assert.equal(await page.getByRole('link', { name: 'Next' }).count(), 0);
    await page.keyboard.press('ArrowLeft');
    await page.waitForURL(/b\.png\?view$/);
    await page.keyboard.press('u');
    await page.waitForURL(`${url}pictures/`);
  });

  await all.test('runs no script of what is stored, by whatever name and type', async (t) => {
    const page = await pageOf(t);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    for (const name of Object.keys(HOSTILE)) {
      for (const query of ['', '?view', '?blocks']) {
        await page.goto(`${url}hostile/${encodeURIComponent(name)}${query}`);
        assert.notEqual(await page.title(), 'ran', name + query);
      }
    }
    await page.goto(`${url}hostile/evil.md?view`);
    assert.equal(await page.getByRole('link', { name: 'click' }).count(), 0);
    await page.goto(`${url}hostile/?q=img`);
    await page.goto(`${url}hostile/`);
    assert.equal(await page.locator('tbody tr').count(), Object.keys(HOSTILE).length + 1);
    await page.evaluate('new Promise(requestAnimationFrame)');
    assert.deepEqual(
      asked.filter((one) => one.endsWith('/ran')),
      [],
    );
  });

  await all.test('reads and searches without JavaScript', async (t) => {
    const page = await pageOf(t, { javaScriptEnabled: false });
    await page.goto(`${url}program.py?view`);
    assert.equal(await page.locator('pre').textContent(), 'def answer():\n    return 42\n');
    await page.goto(`${url}pictures/?pictures`);
    assert.equal(await page.locator('img').count(), 3);
    await page.goto(url);
    await page.getByRole('searchbox').fill('needle');
    await page.getByRole('searchbox').press('Enter');
    await page.waitForURL(/\?q=needle$/);
    await page.getByRole('link', { name: 'needle.txt' }).click();
    assert.equal(await page.locator('pre').textContent(), 'found\n');
  });

  await all.test('says when a newer state is recorded', async (t) => {
    const page = await pageOf(t);
    await page.clock.install();
    await Promise.all([page.waitForResponse(/lines=last/), page.goto(url)]);
    writeFileSync(join(folder, 'small.txt'), 'third\n');
    await put();
    await Promise.all([page.waitForResponse(/lines=last/), page.clock.runFor(10_000)]);
    await page.getByRole('link', { name: 'Show it' }).waitFor();
  });

  await all.test('is light: the first view of 100 names has at most 42 kB, 16 kB compressed', async () => {
    mkdirSync(join(folder, 'many'));
    for (let i = 0; i < 100; i++) writeFileSync(join(folder, 'many', `some name ${i}.txt`), `${i}\n`);
    await put();
    const text = await (await fetch(`${url}many/`)).text();
    assert.ok(text.length <= 42_000, String(text.length));
    assert.ok(gzipSync(text).length <= 16_000, String(gzipSync(text).length));
    assert.equal(/(?:src|href)="(?:https?:)?\/\//.exec(text)?.[0], undefined);
  });
});
