import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

/** Limits as login nodes of clusters and `LimitAS=` set them, in GiB. */
const LIMITS: readonly number[] = [64, 16, 8, 4, 2, 1.5];

for (const limit of LIMITS) {
  test(`with ${limit} GiB of addresses (ulimit -v) the program gives the same Dirref, and the same content back`, async (t) => {
    const scratch = makeScratch(t);
    const { env } = scratch;
    const tree = scratch.path('tree');
    makeTree(tree, { files: 20, seed: limit, extras: false });
    const large = makeRandom(limit).bytes(5 << 20);
    writeFileSync(`${tree}/large`, large);
    const free = await vtftp(['-S', scratch.path('free'), '-c', `put ${tree} tree; quit`], { env });
    assert.equal(free.status, 0, free.report);
    const back = scratch.path('back');
    const script = `put ${tree} tree; get tree/large ${back}; fsck; scrub; quit`;
    const limited = await run(
      'sh',
      [
        '-c',
        'ulimit -v "$1"; shift; exec "$@"',
        'sh',
        String(limit * 2 ** 20),
        process.execPath,
        PROGRAM,
        '-S',
        scratch.path('limited'),
        '-c',
        script,
      ],
      { env },
    );
    assert.equal(limited.status, 0, limited.report);
    assert.equal(recited(limited), recited(free));
    assert.equal(Buffer.compare(readFileSync(back), large), 0);
  });
}
