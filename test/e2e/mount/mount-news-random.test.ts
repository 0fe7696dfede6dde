import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from '../../support/links/served-program.ts';
import { mounted, noMountsHere, RECORD } from '../../support/mounts/mounted.ts';
import { run, vtftp } from '../../support/program.ts';
import type { Random } from '../../support/random.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

// Two mounts of one server are changed at random, and record when they like.

const COMMANDS = Number(process.env['VTFTP_NEWS_COMMANDS'] ?? 25);
const SEEDS = Number(process.env['VTFTP_NEWS_SEEDS'] ?? 1);

/** A shell line at the top of a mount. What it acts on may have gone. */
function command(random: Random, text: string): string {
  const file = (): string => `${['', 'd/', 'd/e/', 'g/'][random.below(4)] ?? ''}f${random.below(4)}`;
  const kinds: readonly (() => string)[] = [
    () => `f=${file()}; mkdir -p "$(dirname $f)" && echo ${text} > $f`,
    () => `f=${file()}; mkdir -p "$(dirname $f)" && echo ${text} > $f`,
    () => `echo ${text} >> ${file()}`,
    () => `head -c ${1 + random.below(200_000)} /dev/zero | tr '\\0' x > ${file()}`,
    () => `rm -f ${file()}`,
    () => `rm -rf ${['d', 'd/e', 'g'][random.below(3)] ?? ''}`,
    () => `mv -T ${file()} ${file()}`,
    () => `chmod ${random.chance(50) ? '600' : '644'} ${file()}`,
    () => `cat ${file()}`,
    () => `(exec 3<>${file()} && echo ${text} >&3)`,
    () => RECORD,
    () => RECORD,
  ];
  return `(${kinds[random.below(kinds.length)]?.() ?? ''}) 2>/dev/null || true`;
}

/** Names, permissions and contents. */
const LISTING = "{ find . -mindepth 1 -printf '%p %y %m\\n'; find . -type f -exec sha256sum {} +; } | LC_ALL=C sort";

for (let seed = 1; seed <= SEEDS; seed++)
  it(`two mounts of one server that are changed at random become the same, seed ${seed}`, { skip: noMountsHere() ?? false }, async (t) => {
    const scratch = makeScratch(t);
    const other = makeScratch(t);
    const store = scratch.path('store');
    const made = await vtftp(['-S', store, '-c', 'mkdir own; quit'], { env: scratch.env });
    assert.equal(made.status, 0, made.report);
    const server = await serve(scratch, store, `serve unix:${scratch.path('served.sock')}`);
    const mounts = [await mounted(t, scratch, '-o sync=0', server.address), await mounted(t, other, '-o sync=1', server.address)];
    const random = makeRandom(seed);
    const said: string[] = [];
    for (let i = 0; i < COMMANDS; i++) {
      const at = random.below(2);
      const line = command(random, `text-${i}`);
      said.push(`${at}: ${line}`);
      const done = await mounts[at]?.sh(line);
      assert.equal(done?.status, 0, done?.report);
    }
    // Each records what it has, and takes in what the other has recorded, until there is nothing more.
    let listings: string[] = [];
    for (let tries = 0; tries < 300; tries++) {
      for (const mount of mounts) {
        const recorded = await mount.sh(RECORD);
        assert.equal(recorded.status, 0, recorded.report);
      }
      listings = await Promise.all(mounts.map(async (mount) => (await mount.sh(LISTING)).stdout));
      if (listings[0] === listings[1]) break;
      await delay(100);
    }
    assert.equal(listings[0], listings[1], said.join('\n'));
    for (const mount of mounts) {
      const gone = await mount.unmount();
      assert.equal(gone.status, 0, gone.report);
    }
    await server.stop();
    const checked = await vtftp(['-S', store, '-c', `fsck; lcd ${scratch.folder}; get / got`], { env: scratch.env });
    assert.match(checked.stdout, /clean/, checked.report);
    assert.equal((await run('sh', ['-c', LISTING], { cwd: scratch.path('got') })).stdout, listings[0], said.join('\n'));
  });
