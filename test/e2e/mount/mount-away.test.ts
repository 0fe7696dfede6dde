import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

const options = { skip: noMountsHere() ?? false };

it(
  'a mount whose server is away shows the root and what was read, gives errors for the rest, says why in its log, and goes on',
  options,
  async (t) => {
    const scratch = makeScratch(t);
    const tree = scratch.mkdir('tree');
    for (const name of ['read', 'unread']) writeFileSync(join(tree, name), Buffer.alloc(300_000, name));
    const store = scratch.path('store');
    const socket = scratch.path('served.sock');
    const put = await vtftp(['-S', store, '-c', `put ${tree} /; quit`], { env: scratch.env });
    assert.equal(put.status, 0, put.report);
    const first = await serve(scratch, store, `serve unix:${socket}`);
    const mount = await mounted(t, scratch, '', first.address);
    const log = (): string => {
      const folder = join(mount.env['XDG_RUNTIME_DIR'] ?? '', 'vtftp/mounts');
      return readdirSync(folder)
        .filter((name) => name.endsWith('.log'))
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .join('');
    };
    const sh = async (line: string): Promise<string> => {
      const done = await mount.sh(line);
      assert.equal(done.status, 0, done.report);
      return done.stdout;
    };
    await sh('cat tree/read | cmp - ../tree/read');
    assert.equal(log(), '');
    await first.stop('SIGKILL');
    assert.equal(await sh('ls; ls tree'), 'tree\nread\nunread\n');
    await sh('cmp tree/read ../tree/read');
    await sh('! cat tree/unread 2>/dev/null && ! cat tree/unread 2>/dev/null');
    // What is written meanwhile waits.
    await sh('echo new > written; cat written');
    const lines = log().trim().split('\n');
    assert.ok(
      lines.some((line) => line.startsWith('warning: ') && line.includes(socket)),
      log(),
    );
    assert.equal(new Set(lines).size, lines.length, 'no line comes twice');
    rmSync(socket, { force: true });
    const second = await serve(scratch, store, `serve unix:${socket}`);
    await sh('cmp tree/unread ../tree/unread');
    await sh('sync -f .');
    const gone = await mount.unmount();
    assert.equal(gone.status, 0, gone.report);
    assert.match(gone.stderr, /^warning: .*served\.sock/m);
    await second.stop();
    const found = await vtftp(['-S', store, '-c', 'cat written; fsck'], { env: scratch.env });
    assert.match(found.stdout, /^new\n.*clean/s, found.report);
  },
);
