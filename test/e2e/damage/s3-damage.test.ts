import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import type { Run } from '../../support/program.ts';
import { vtftp } from '../../support/program.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../../support/s3/s3-stores.ts';
import { makeScratch } from '../../support/scratch.ts';

for (const seal of ['', 'sealed:key:'] as const) {
  it(`scrub of a${seal === '' ? '' : ' sealed'} Store in a bucket finds damage, and put or repair mend it for every machine`, async (t) => {
    const scratch = makeScratch(t);
    await using fake = await FakeS3.start();
    const store = `${seal}s3://bucket?endpoint=${fake.endpoint}`;
    const run = async (line: string, status = 0, cache = 'cache', where = store): Promise<Run> => {
      const env = { ...scratch.env, ...keysIn(FAKE_KEYS), XDG_CACHE_HOME: scratch.path(cache) };
      const done = await vtftp(['-S', where, '-c', line], { env, cwd: scratch.folder });
      assert.equal(done.status, status, `${line}\n${done.report}`);
      return done;
    };
    if (seal !== '') await run('sealed-key --new key', 0, 'cache', './none');
    scratch.mkdir('docs');
    for (let i = 0; i < 9; i++) writeFileSync(scratch.path(`docs/${i}`), `letter ${i}\n`.repeat(200 + i));
    await run('put docs; quit');
    await run(`pull -p '${store}'; quit`, 0, 'cache', './copy');
    assert.match((await run('scrub')).stdout, /1\d Blocks whole; .* read; all verified since/);

    const [pack = ''] = fake.keys('packs/d/');
    const object = fake.objects.get(pack);
    assert.ok(object !== undefined);
    const body = Buffer.from(object.body);
    body[3000] = (body[3000] as number) ^ 8;
    fake.objects.set(pack, { ...object, body });
    // A share of it may not meet the damage; all of it does.
    await run('scrub --budget 0s');
    assert.match(
      (await run('scrub', 13)).stdout,
      /packs\/d\/.*bytes there are damaged\n"\/docs\/\d": Block .* is damaged[\s\S]* 1 Block damaged/,
    );
    assert.match((await run('fsck', 13, 'another')).stdout, /"\/docs\/\d": Block .* is damaged/);
    await run('get docs broken', 13, 'another');
    assert.match((await run('put --reread docs; fsck; scrub; quit')).stdout, / 1 Block new[\s\S]*clean/);
    assert.match((await run('fsck', 0, 'third')).stdout, /clean/);

    if (seal !== '') return;
    // Objects are gone. What they had comes from what this machine has kept, from a copy, or from the files.
    const isGone = async (key: string, machine: string, from: string): Promise<void> => {
      assert.ok(fake.objects.delete(key), key);
      const repaired = await run(`repair ${from}`, 0, machine);
      assert.match(repaired.stdout, /[1-9]\d* Blocks? brought back; every root is complete/);
      const fresh = `${machine}-${from.length}`;
      await run('!rm -rf got');
      assert.match((await run('fsck; get docs got; !diff -r docs got', 0, fresh)).stdout, /clean/);
    };
    const listed = fake.keys('packs/d/').filter((key) => key !== pack);
    await isGone(listed[0] ?? '', 'fifth', '--from ./copy');
    const metadata = fake.keys('packs/m/');
    for (const [i, key] of metadata.entries()) if (i === 0) await isGone(key, 'fifth', '--from ./copy');
    await run('gc --grace 0; gc --grace 0');
    await isGone(fake.keys('packs/m/').at(-1) ?? '', 'sixth', 'docs --from ./copy');
    assert.equal(readFileSync(scratch.path('docs/1'), 'utf8'), 'letter 1\n'.repeat(201));
    assert.match((await run('repair ./nowhere', 1)).stderr, /nowhere/);
  });
}
