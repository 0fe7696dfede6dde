import assert from 'node:assert/strict';
import { lchownSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { octetsFromText } from '../../../core/base/octets.ts';
import { openAny } from '../../../core/follow/tailed-file.ts';
import { makeScratch } from '../../support/scratch.ts';
import { Following } from './tailing.ts';

/** Somebody who is neither root nor whoever runs this. */
const STRANGER = 54_321;

const skip = process.getuid?.() === 0 ? false : 'only root can give a symlink to somebody else';

interface Logs {
  readonly folder: string;
  readonly secret: string;
  readonly following: Following;
  readonly has: (name: string) => Promise<boolean>;
}

/** A folder of logs, and a file beside it that none of them is. */
function makeLogs(t: TestContext): Logs {
  const scratch = makeScratch(t);
  const folder = scratch.mkdir('logs');
  const secret = scratch.path('secret');
  writeFileSync(secret, 'nobody may read this\n');
  writeFileSync(join(folder, 'good.log'), 'good\n');
  const following = new Following([join(folder, '*.log')], '/logs', true);
  t.after(() => following.group.close());
  const has = async (name: string): Promise<boolean> => (await following.tree.lookup(octetsFromText(`/logs/${name}`))) !== undefined;
  return { folder, secret, following, has };
}

function strangersLink(target: string, path: string): void {
  symlinkSync(target, path);
  lchownSync(path, STRANGER, STRANGER);
}

describe('symlinks that are followed', { skip }, () => {
  it('those of root are, also through others of root, as a container runtime makes them', async (t) => {
    const { folder, secret, following, has } = makeLogs(t);
    symlinkSync(secret, join(folder, '..', 'between'));
    symlinkSync('../between', join(folder, 'pod.log'));
    await following.round();
    assert.ok(await has('pod.log'));
    assert.deepEqual(following.notices, []);
  });

  for (const [what, make] of [
    ['of somebody else', ({ folder, secret }: Logs) => strangersLink(secret, join(folder, 'evil.log'))],
    [
      "of root that lead to somebody else's",
      ({ folder, secret }: Logs) => {
        strangersLink(secret, join(folder, 'turned'));
        symlinkSync(join(folder, 'turned'), join(folder, 'evil.log'));
      },
    ],
    [
      'of root through a directory that somebody else has made a symlink',
      ({ folder, secret }: Logs) => {
        strangersLink(join(secret, '..'), join(folder, 'way'));
        symlinkSync('way/secret', join(folder, 'evil.log'));
      },
    ],
    [
      'of root that somebody else has moved into their directory',
      ({ folder, secret }: Logs) => {
        symlinkSync(secret, join(folder, 'evil.log'));
        lchownSync(folder, STRANGER, STRANGER);
      },
    ],
  ] as const)
    it(`those ${what} are named and left out, and the others are followed`, async (t) => {
      const logs = makeLogs(t);
      make(logs);
      await logs.following.round();
      assert.deepEqual([await logs.has('good.log'), await logs.has('evil.log')], [true, false]);
      assert.match(logs.following.notices.join('\n'), /evil\.log": it is left out: .* is a symlink of user 54321.*--links/);
      await logs.following.round();
      assert.equal(logs.following.notices.length, 1);
    });

  it('with --links all are', async (t) => {
    const logs = makeLogs(t);
    strangersLink(logs.secret, join(logs.folder, 'evil.log'));
    logs.following.opener = openAny;
    await logs.following.resume({ tails: [], isChecked: true });
    await logs.following.round();
    assert.ok(await logs.has('evil.log'));
  });

  it('a log that is swapped for one while it is followed gives nothing more, and goes on when it is back', async (t) => {
    const { folder, secret, following } = makeLogs(t);
    const path = join(folder, 'good.log');
    await following.round();
    renameSync(path, `${path}.aside`);
    strangersLink(secret, path);
    await following.round();
    assert.equal((await following.content('/logs/good.log')).toString(), 'good\n');
    assert.match(following.notices.at(-1) ?? '', /is a symlink of user 54321/);
    rmSync(path);
    renameSync(`${path}.aside`, path);
    writeFileSync(path, 'more\n', { flag: 'a' });
    await following.round();
    assert.equal((await following.content('/logs/good.log')).toString(), 'good\nmore\n');
  });

  it('rotated names that are symlinks are none', async (t) => {
    const { folder, secret, following } = makeLogs(t);
    const path = join(folder, 'good.log');
    await following.round();
    renameSync(path, `${path}.2`);
    strangersLink(secret, `${path}.1`);
    writeFileSync(path, 'new\n');
    await following.round();
    assert.equal((await following.content('/logs/good.log')).toString(), `good\n${readFileSync(path, 'utf8')}`);
  });
});
