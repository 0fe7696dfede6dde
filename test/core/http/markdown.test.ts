import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markdown } from '../../../core/http/page/markdown.ts';

function rendered(text: string): string {
  return markdown(text)?.text.trim() ?? 'none';
}

test('a Markdown text shows HTML as text, and has no link to a script', () => {
  assert.equal(rendered('<script>alert(1)</script>'), '<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>');
  assert.equal(rendered('a <img src=x onerror=y> b'), '<p>a &lt;img src=x onerror=y&gt; b</p>');
  for (const scheme of ['javascript', 'vbscript', 'data', 'JaVaScRiPt']) assert.doesNotMatch(rendered(`[x](${scheme}:alert(1))`), /<a/);
});

test('a link to a name in the tree leads to its page, and any other where it says', () => {
  for (const [written, href] of [
    ['other.md', 'other.md?view'],
    ['../a/b.txt#part', '../a/b.txt?view#part'],
    ['below/', 'below/'],
    ['#part', '#part'],
    ['a?download', 'a?download'],
    ['/status', '/status'],
    ['https://host.example/a', 'https://host.example/a'],
    ['mailto:a@host.example', 'mailto:a@host.example'],
  ])
    assert.equal(rendered(`[x](${written})`), `<p><a href="${href}">x</a></p>`);
  assert.equal(rendered('![x](sea.jpg)'), '<p><img src="sea.jpg" alt="x"></p>');
});

test('comments on lines of their own are left out, and nothing beside them', () => {
  assert.equal(rendered('<!-- a -->\ntext'), '<p>text</p>');
  assert.equal(rendered('before\n<!-- a\n\nb -->\nafter'), '<p>before</p>\n<p>after</p>');
  assert.equal(rendered('<!-- a --> text'), '<p>&lt;!-- a --&gt; text</p>');
  assert.equal(rendered('<!-- open\ntext'), '<p>&lt;!-- open\ntext</p>');
  assert.equal(rendered('    <!-- code -->'), '<pre><code>&lt;!-- code --&gt;\n</code></pre>');
  assert.match(rendered('```\n<!-- code -->\n```'), /&lt;!-- code --&gt;/);
  assert.equal(rendered('<!-- <b>x</b> -->'), '');
  assert.match(rendered(`<!-- ${'long '.repeat(1000)}-->`), /^<p>&lt;!-- long/);
});

test('a text that is too long is not made into a page', () => {
  assert.equal(markdown('x'.repeat(64 * 1024 + 1)), undefined);
});
