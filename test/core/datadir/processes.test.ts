import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VtError } from '../../../core/base/errors.ts';
import { DEFAULT_HASH_NAME } from '../../../core/block/hash.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { run } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { newStorePath, withDatadir } from './store-folder.ts';

const WRITER = fileURLToPath(new URL('./writer-child.js', import.meta.url));

interface Writer {
  readonly child: ChildProcess;
  /** Digests in hex that it told to be durable. */
  readonly flushed: () => string[];
  readonly ended: Promise<void>;
}

function startWriter(path: string, seed: number, rounds: number, onLine?: () => void): Writer {
  const child = spawn(process.execPath, [WRITER, path, String(seed), String(rounds)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    onLine?.();
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  // What stands behind the last line end was not told whole.
  return {
    child,
    ended,
    flushed: () =>
      text
        .slice(0, text.lastIndexOf('\n') + 1)
        .split('\n')
        .filter(Boolean),
  };
}

async function assertAllThere(path: string, digests: readonly string[]): Promise<void> {
  await withDatadir(path, async (store) => {
    for (const hex of digests) {
      const hashcode: HashCode = { hashName: DEFAULT_HASH_NAME, digest: Buffer.from(hex, 'hex') };
      assert.ok(await store.get(hashcode), `${hex} was flushed, and is lost`);
    }
  });
}

it('nothing that was flushed is lost when a writer is killed at any moment, twenty times over', async () => {
  const path = newStorePath();
  const seed = Date.now() % 2 ** 32;
  const random = makeRandom(seed);
  const flushed: string[] = [];
  for (let round = 0; round < 20; round++) {
    const patience = 1 + random.below(12);
    let chunks = 0;
    const writer = startWriter(path, seed + round, 0, () => {
      chunks++;
      if (chunks === patience) writer.child.kill('SIGKILL');
    });
    await writer.ended;
    flushed.push(...writer.flushed());
    if (round % 5 === 4) await assertAllThere(path, flushed);
  }
  assert.ok(flushed.length > 1000, `seed ${seed}: ${flushed.length}`);
  await withDatadir(path, (store) => store.add(Buffer.from('a later session adds')));
  await assertAllThere(path, flushed);
  rmSync(join(path, 'index'), { recursive: true });
  await assertAllThere(path, flushed);
});

for (const processes of [2, 4]) {
  it(`${processes} processes write to one Store at once, each to its own file`, async () => {
    const path = newStorePath();
    // Two of them add the same Blocks.
    const writers = Array.from({ length: processes }, (_, i) => startWriter(path, Math.max(1, i), 5));
    await Promise.all(writers.map((writer) => writer.ended));
    for (const writer of writers) {
      assert.equal(writer.child.exitCode, 0);
      assert.ok(writer.flushed().length > 0);
    }
    const files = readdirSync(join(path, 'data'));
    assert.ok(files.length <= processes);
    await assertAllThere(
      path,
      writers.flatMap((writer) => writer.flushed()),
    );
    rmSync(join(path, 'index'), { recursive: true });
    await assertAllThere(
      path,
      writers.flatMap((writer) => writer.flushed()),
    );
  });
}

it('on a disk that is too full for the index a flush fails with a reason, and the next session finds the Blocks', async (context) => {
  const mount = join(dirname(newStorePath()), 'small');
  mkdirSync(mount);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=1200k', 'none', mount]);
  if (mounted.status !== 0) {
    context.skip(`mounting a small disk: ${mounted.stderr.trim()}`);
    return;
  }
  try {
    const path = join(mount, 'store');
    const kept: HashCode[] = [];
    const store = await openDatadir(path, { create: true });
    let failure: unknown;
    for (let i = 0; failure === undefined; i++) {
      try {
        kept.push((await store.add(Buffer.from(`tiny ${i}`))).hashcode);
        if (i % 500 === 499) await store.flush();
      } catch (error) {
        failure = error;
      }
    }
    assert.ok(failure instanceof VtError && failure.code === 'EFULL', String(failure));
    for (const hashcode of kept) assert.ok(await store.get(hashcode));
    await store[Symbol.asyncDispose]().catch(() => undefined);
    // A session that only reads does so while the disk is still full, though the index cannot be brought up to date.
    const reader = await openDatadir(path);
    for (const hashcode of kept) assert.ok(await reader.get(hashcode));
    await reader[Symbol.asyncDispose]();
    await run('mount', ['-o', 'remount,size=64m', mount]);
    await withDatadir(path, async (again) => {
      for (const hashcode of kept) assert.ok(await again.get(hashcode));
    });
  } finally {
    await run('umount', [mount]);
  }
});

it('on a full disk an add fails with a reason, earlier ones stay good, and the next run completes', async (context) => {
  const folder = dirname(newStorePath());
  const mount = join(folder, 'small');
  mkdirSync(mount);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', mount]);
  if (mounted.status !== 0) {
    context.skip(`mounting a small disk: ${mounted.stderr.trim()}`);
    return;
  }
  try {
    const path = join(mount, 'store');
    const filler = join(mount, 'filler');
    writeFileSync(filler, Buffer.alloc(3_000_000));
    const random = makeRandom(1);
    const blocks = Array.from({ length: 120 }, () => random.bytes(50_000));
    const kept: HashCode[] = [];
    await withDatadir(path, async (store) => {
      let failure: unknown;
      for (const [i, data] of blocks.entries()) {
        try {
          const { hashcode } = await store.add(data);
          if (i === 20) await store.flush();
          kept.push(hashcode);
        } catch (error) {
          failure = error;
          break;
        }
      }
      assert.ok(failure instanceof VtError && failure.code === 'EFULL' && failure.message.includes('no space left'), String(failure));
      await assert.rejects(store.add(random.bytes(50_000)), VtError);
      for (const hashcode of kept) assert.ok(await store.get(hashcode));
      const files = readdirSync(join(path, 'data'));
      assert.ok(files.every((name) => statSync(join(path, 'data', name)).size >= 64));
      rmSync(filler);
      // The same session goes on once there is space.
      kept.push((await store.add(Buffer.from('a small one'))).hashcode);
      await store.flush();
    });
    await run('mount', ['-o', 'remount,size=64m', mount]);
    assert.ok(kept.length > 60, `${kept.length}`);
    await withDatadir(path, async (store) => {
      for (const hashcode of kept) assert.ok(await store.get(hashcode));
      for (const data of blocks.slice(0, kept.length + 10)) await store.add(data);
    });
    await withDatadir(path, async (store) => {
      for (const data of blocks.slice(0, kept.length + 10)) assert.equal((await store.add(data)).isNew, false);
    });
  } finally {
    await run('umount', [mount]);
  }
});
