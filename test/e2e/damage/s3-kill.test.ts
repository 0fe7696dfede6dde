import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { AgedS3 } from '../../support/s3/aged-s3.ts';
import { Ceph, noCeph } from '../../support/s3/ceph.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../../support/s3/s3-stores.ts';
import { makeScratch } from '../../support/scratch.ts';

const DAY_MS = 86_400_000;
const ROUNDS = Number(process.env['VTFTP_KILL_ROUNDS'] ?? 2);
/** Kinds of Stores; the seed chooses one where `VTFTP_KILL_STORE` names none. */
const KINDS = ['packs', 'blocks', 'sealed packs', 'sealed blocks'];
/** `ceph` for a real service; long runs of it are a torture's, each round takes seconds. */
const isReal = process.env['VTFTP_KILL_SERVICE'] === 'ceph';
const skip = isReal ? (noCeph() ?? false) : false;
const seed = Number(process.env['VTFTP_TEST_SEED'] ?? 1 + Math.floor(Math.random() * 1e6));
const kind = process.env['VTFTP_KILL_STORE'] ?? KINDS[seed % KINDS.length];

it(`two writers and a gc that are killed at random lose nothing that was recited, in ${kind} on ${isReal ? 'Ceph behind a relay' : 'a service'} that ignores conditions (seed ${seed})`, {
  skip,
}, async (t) => {
  const random = makeRandom(seed);
  const scratch = makeScratch(t);
  await using ceph = isReal ? await Ceph.start() : undefined;
  await using service = ceph === undefined ? await FakeS3.start({ conditions: 'ignored' }) : await AgedS3.before(ceph.service);
  if (ceph !== undefined) await ceph.ask('PUT', '/bucket');
  const isSealed = kind?.startsWith('sealed') === true;
  const layout = kind?.endsWith('blocks') === true ? 'blocks' : 'packs';
  const store = `${isSealed ? `sealed:${scratch.path('key')}:` : ''}s3://bucket?endpoint=${service.endpoint}&layout=${layout}`;
  const env = { ...scratch.env, ...keysIn(ceph?.service ?? FAKE_KEYS) };
  const machine = (name: string): Record<string, string> => ({ ...env, XDG_CACHE_HOME: join(scratch.folder, name) });
  const session = async (name: string, line: string, killAfter: number | undefined): Promise<string | undefined> => {
    let requests = 0;
    let kill = (): void => undefined;
    // It dies after so many requests of all.
    const watch = (): void => {
      if (++requests === killAfter) kill();
    };
    const done = await vtftp(['-S', store, '-c', line], {
      env: machine(name),
      cwd: scratch.folder,
      during(program) {
        kill = () => program.kill('SIGKILL');
        service.watchers.add(watch);
      },
    });
    service.watchers.delete(watch);
    // A lock that it held is not waited for.
    if (done.signal === 'SIGKILL') service.aheadMs += 121_000;
    assert.ok(done.status === 0 || done.signal === 'SIGKILL' || done.status === 1, done.report);
    return done.status === 0 ? done.stdout.trimEnd().split('\n').at(-1) : undefined;
  };
  if (isSealed)
    assert.equal((await vtftp(['-S', scratch.path('none'), '-c', `sealed-key --new ${scratch.path('key')}`], { env })).status, 0);
  await session('first', 'mkdir start; quit', undefined);
  const recited: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const writer of ['a', 'b']) {
      scratch.mkdir(writer);
      writeFileSync(scratch.path(`${writer}/file${random.below(4)}`), random.bytes(1 + random.below(40_000)));
    }
    const dies = (): number | undefined => (random.chance(50) ? 1 + random.below(30) : undefined);
    const [one, two, three] = [dies(), dies(), dies()];
    const found = await Promise.all([
      session('one', 'put a; quit', one),
      session('two', 'put b; quit', two),
      session('three', 'gc', three),
    ]);
    for (const dirref of found.slice(0, 2)) if (dirref?.startsWith('D{') === true) recited.push(dirref);
    // A machine that knows nothing reads what is new, and something old.
    rmSync(join(scratch.folder, 'checker'), { recursive: true, force: true });
    const old = recited[random.below(Math.max(1, recited.length))];
    for (const dirref of new Set([...recited.slice(-2), ...(old === undefined ? [] : [old])])) {
      const out = scratch.mkdir('out');
      const got = await vtftp(['-S', store, dirref, '-c', `get * ${out}`], { env: machine('checker'), cwd: scratch.folder });
      assert.equal(got.status, 0, `round ${round}: ${dirref}\n${got.report}`);
      rmSync(out, { recursive: true });
    }
    service.aheadMs += DAY_MS + 1000;
  }
  rmSync(join(scratch.folder, 'checker'), { recursive: true, force: true });
  const checked = await vtftp(['--json', '-S', store, '-c', 'fsck; log'], { env: machine('checker'), cwd: scratch.folder });
  assert.equal(checked.status, 0, checked.report);
  // No entry is lost: each that was recited is a state of the archive.
  for (const dirref of recited) assert.ok(checked.stdout.includes(dirref), `${dirref} is in no entry`);
});
