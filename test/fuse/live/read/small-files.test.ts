import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mounted, noMountsHere } from '../../../support/mounts/mounted.ts';
import { makeScratch } from '../../../support/scratch.ts';

const skip = noMountsHere() ?? false;
const FILES = 300;

for (const options of ['', '-o ro']) {
  test(`small files that are read one after the other, or not, are what was stored: mount ${options}`, { skip }, async (t) => {
    const scratch = makeScratch(t);
    const from = scratch.mkdir('live');
    for (let dir = 0; dir < 6; dir++) {
      mkdirSync(join(from, `d${dir}`));
      for (let i = 0; i < FILES / 6; i++) {
        const content = i % 7 === 0 ? Buffer.alloc(5000 + i) : i % 5 === 0 ? Buffer.alloc(0) : randomBytes(i * 517);
        writeFileSync(join(from, `d${dir}`, `f${i}`), content);
      }
    }
    writeFileSync(join(from, 'large'), randomBytes(700_000));
    const store = scratch.path('store');
    const first = await mounted(t, scratch, options, store);
    await first.unmount();
    const put = await first.vtftp('-c', `put ${from} /`);
    assert.equal(put.status, 0, put.report);
    const again = await first.vtftp('-c', `mount ${options} ${first.path}`);
    assert.equal(again.status, 0, again.report);
    // In the order of the names, in another, in parts, and two at once.
    for (const line of [
      `cd live && tar c . | tar x -C ${scratch.mkdir('tarred')}`,
      `diff -r ${from} live`,
      `cd live && find . -type f | sort -R | while read -r f; do cmp "$f" "${from}/$f"; done`,
      `cd live && find . -type f | sort -r | xargs -P 2 -n 20 sh -c 'for f; do dd if=$f bs=1000 status=none | cmp - "${from}/$f"; done' sh`,
    ]) {
      const done = await first.sh(line);
      assert.equal(done.status, 0, `${line}: ${done.report}`);
      assert.equal(done.stdout, '');
    }
    assert.ok(readFileSync(scratch.path('tarred/d3/f8')).equals(readFileSync(join(from, 'd3/f8'))));
  });
}

test('of small files that are read together a damaged one is an error, and the others are as they were', { skip }, async (t) => {
  const scratch = makeScratch(t);
  const from = scratch.mkdir('live');
  for (let i = 10; i < 40; i++) writeFileSync(join(from, `f${i}`), randomBytes(4000));
  const mount = await mounted(t, scratch);
  await mount.unmount();
  assert.equal((await mount.vtftp('-c', `put ${from} /`)).status, 0);
  const data = readdirSync(scratch.path('store'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.vtd'));
  const [file] = data.map((name) => scratch.path(`store/${name}`));
  assert.ok(file !== undefined);
  const octets = readFileSync(file);
  const at = octets.indexOf(readFileSync(join(from, 'f25')).subarray(0, 64));
  assert.ok(at > 0);
  octets[at + 9] = (octets[at + 9] ?? 0) ^ 1;
  truncateSync(file, 0);
  writeFileSync(file, octets);
  assert.equal((await mount.vtftp('-c', `mount -o ro ${mount.path}`)).status, 0);
  const done = await mount.sh(`for f in live/*; do cmp $f ${from}/\${f#live/} 2>/dev/null || echo $f; done`);
  assert.equal(done.stdout.trim(), 'live/f25', done.report);
});
