import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from '../../support/links/served-program.ts';
import type { TestMount } from '../../support/mounts/mounted.ts';
import { mounted, noMountsHere, RECORD } from '../../support/mounts/mounted.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

// Two mounts, each with a process of its own as on two machines, and a server.

const options = { skip: noMountsHere() ?? false };

/** Looks through a mount until something is so: the server tells the process of the mount, and nobody tells us. */
async function becomes(mount: TestMount, condition: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if ((await mount.sh(condition)).status === 0) return;
    await delay(50);
  }
  const found = await mount.sh('find . -type f | xargs tail -n +1');
  assert.fail(`it never came to be that ${condition}:\n${found.report}`);
}

async function sh(mount: TestMount, line: string): Promise<string> {
  const done = await mount.sh(line);
  assert.equal(done.status, 0, done.report);
  return done.stdout;
}

function logOf(mount: TestMount): string {
  const folder = join(mount.env['XDG_RUNTIME_DIR'] ?? '', 'vtftp/mounts');
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return logs.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
}

it('two mounts of one server show what the other has recorded, as soon as it has', options, async (t) => {
  const scratch = makeScratch(t);
  const other = makeScratch(t);
  const store = scratch.path('store');
  const tree = scratch.mkdir('tree');
  writeFileSync(join(tree, 'both'), 'at first\n');
  writeFileSync(join(tree, 'open'), 'at first\n');
  const put = await vtftp(['-S', store, '-c', `put ${tree} /; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  const server = await serve(scratch, store, `serve unix:${scratch.path('served.sock')}`);
  // Nothing is recorded but what is asked for.
  const a = await mounted(t, scratch, '-o sync=0', server.address);
  const b = await mounted(t, other, '-o sync=0', server.address);

  await t.test('what the kernel has kept of names and contents is given up', async () => {
    await sh(b, 'cat tree/both; ls tree; ! cat tree/new 2>/dev/null');
    await sh(a, `echo changed > tree/both; echo new > tree/new; ${RECORD}`);
    await becomes(b, 'cmp -s tree/both ../mnt/tree/both && grep -q changed tree/both && cat tree/new && ls tree | grep -q new');
    await sh(b, `mkdir -p tree/d; mv tree/new tree/d/moved; ${RECORD}`);
    await becomes(a, 'cat tree/d/moved && ! cat tree/new 2>/dev/null');
  });

  await t.test('what is not synced yet stays, and is recorded with the next sync', async () => {
    await sh(b, 'echo unsynced > tree/of-b; echo held >> tree/of-b');
    await sh(a, `echo of-a > tree/of-a; ${RECORD}`);
    await becomes(b, 'cat tree/of-a && grep -q held tree/of-b');
    assert.match(await sh(a, 'ls tree'), /^both\nd\nof-a\nopen\n$/);
    await sh(b, RECORD);
    await becomes(a, 'grep -q held tree/of-b');
  });

  await t.test('a session without a mount is seen by both', async () => {
    const made = await vtftp(['-S', store, '-c', 'mkdir by-a-session; quit'], { env: scratch.env });
    assert.equal(made.status, 0, made.report);
    await becomes(a, 'test -d by-a-session');
    await becomes(b, 'test -d by-a-session');
  });

  await t.test('a file that both changed is a conflict: both contents stay, and it is told once', async () => {
    await sh(b, 'echo of b > tree/both');
    await sh(a, `echo of a > tree/both; ${RECORD}`);
    await becomes(b, 'grep -qx "of a" tree/both.theirs-*');
    assert.equal(await sh(b, 'cat tree/both'), 'of b\n');
    await sh(b, RECORD);
    await becomes(a, 'grep -qx "of a" tree/both.theirs-* && grep -qx "of b" tree/both');
    assert.match(
      logOf(b),
      /^warning: merge "\/tree\/both": another session changed it too; its state is kept as "\/tree\/both\.theirs-\w+"\n$/,
    );
    assert.equal(logOf(a), '');
    // Nothing is left to be merged.
    await sh(a, RECORD);
    await sh(b, RECORD);
    assert.equal(await sh(a, 'ls tree | wc -l'), await sh(b, 'ls tree | wc -l'));
  });

  await t.test('a server that was away tells what was recorded meanwhile', async () => {
    await server.stop('SIGKILL');
    const made = await vtftp(['-S', store, '-c', 'mkdir meanwhile; quit'], { env: scratch.env });
    assert.equal(made.status, 0, made.report);
    const again = await serve(scratch, store, `serve unix:${scratch.path('served.sock')}`);
    await becomes(a, 'test -d meanwhile');
    await becomes(b, 'test -d meanwhile');
    for (const mount of [a, b]) {
      const gone = await mount.unmount();
      assert.equal(gone.status, 0, gone.report);
    }
    await again.stop();
  });
  const found = await vtftp(['-S', store, '-c', 'find tree; fsck'], { env: scratch.env });
  assert.match(
    found.stdout,
    /^\/tree\n\/tree\/both\n\/tree\/both\.theirs-\w+\n\/tree\/d\n\/tree\/d\/moved\n\/tree\/of-a\n\/tree\/of-b\n\/tree\/open\n.*clean/s,
    found.report,
  );
});
