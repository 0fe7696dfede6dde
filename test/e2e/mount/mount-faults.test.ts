import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { noNativeDriverHere } from '../../support/mounts/native-driver.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';
import { damageContent } from '../../support/stores/damage-content.ts';

const SIZE = 200_000;

const DRIVERS = [
  { driver: 'kernel', unable: noMountsHere() },
  { driver: 'fuse-native', unable: await noNativeDriverHere() },
] as const;

describe('what a client sees as EIO has its reason in the log of the mount', () => {
  for (const { driver, unable } of DRIVERS) {
    it(`of a file with a damaged Block, by the driver ${driver}`, { skip: unable ?? false }, async (t) => {
      const scratch = makeScratch(t);
      const store = scratch.path('store');
      fill(scratch.mkdir('from'));
      const put = await vtftp(['-S', store, '-c', `put ${scratch.path('from')} /from; quit`], { env: scratch.env });
      assert.equal(put.status, 0, put.report);
      damageContent(store, readFileSync(scratch.path('from/damaged')), SIZE / 2);
      const mount = await mounted(t, scratch, `-o driver=${driver}`);
      const seen = await mount.sh('cat from/sound; cat from/damaged >/dev/null; cat from/damaged >/dev/null');
      assert.equal(seen.stdout, 'sound');
      assert.match(seen.stderr, /Input\/output error/);
      const log = logOf(join(mount.env['XDG_RUNTIME_DIR'] ?? '', 'vtftp/mounts'));
      const lines = log.split('\n').filter((line) => line.includes('read "/from/damaged": '));
      assert.equal(lines.length, 1, log);
      assert.match(lines[0] ?? '', /get Block .* do not match the hashcode/);
    });
  }
});

function fill(folder: string): void {
  writeFileSync(join(folder, 'damaged'), randomBytes(SIZE));
  writeFileSync(join(folder, 'sound'), 'sound');
}

function logOf(folder: string): string {
  const [name = ''] = readdirSync(folder).filter((each) => each.endsWith('.log'));
  return readFileSync(join(folder, name), 'utf8');
}
