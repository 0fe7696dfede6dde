import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { octetsFromText } from '../../../core/base/octets.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import type { Checkpoint } from '../../../core/follow/checkpoint.ts';
import { readCheckpoint } from '../../../core/follow/checkpoint.ts';
import { Follower } from '../../../core/follow/follower.ts';
import type { FollowerStatus } from '../../../core/follow/follower-status.ts';
import { unrecordedBytes } from '../../../core/follow/unread-bytes.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { makeScratch } from '../../support/scratch.ts';
import { Following } from './tailing.ts';

function stateOf(following: Following): Pick<Checkpoint, 'tails' | 'isChecked'> {
  return { tails: following.marks(), isChecked: true };
}

describe('what a root has, and what a checkpoint says', () => {
  it('Blocks that are gone are read from the files again, the rotated ones too', async (t) => {
    const path = join(makeScratch(t).folder, 'a.log');
    const following = new Following([path], '/a.log', false);
    writeFileSync(path, 'at first\n'.repeat(2000));
    await following.round();
    renameSync(path, `${path}.1`);
    writeFileSync(path, 'after rotation\n'.repeat(3000));
    await following.round();
    appendFileSync(path, 'unseen\n');
    const all = readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8');
    const checkpoint = stateOf(following);
    following.useStore(new MemoryStore());
    await following.resume(checkpoint);
    await following.round();
    assert.equal((await following.content('/a.log')).toString(), all);
    assert.match(following.notices.join('\n'), /not in the Store any more: all of it is read from the file again/);
    await following.group.close();
  });

  it('where files are gone as well, it is told how many bytes are lost, and the rest goes on', async (t) => {
    const path = join(makeScratch(t).folder, 'a.log');
    const following = new Following([path], '/a.log', false);
    writeFileSync(path, 'at first\n'.repeat(1000));
    await following.round();
    renameSync(path, `${path}.1`);
    writeFileSync(path, 'after rotation\n'.repeat(3000));
    await following.round();
    rmSync(`${path}.1`);
    const checkpoint = stateOf(following);
    following.useStore(new MemoryStore());
    await following.resume(checkpoint);
    await following.round();
    assert.equal((await following.content('/a.log')).toString(), readFileSync(path, 'utf8'));
    assert.match(following.notices.join('\n'), /no file has 9000 of its bytes: it goes on without them; log "\/a.log"/);
    await following.group.close();
  });

  it('where only the last state is gone, the one before goes on, which has what no file has any more', async (t) => {
    const path = join(makeScratch(t).folder, 'a.log');
    const following = new Following([path], '/a.log', false);
    writeFileSync(path, 'at first\n'.repeat(1000));
    await following.round();
    following.marks();
    following.group.noteRecorded();
    const root = await following.tree.sync();
    assert.ok(root.kind === 'dir');
    const kept = new MemoryStore();
    for await (const hashcode of following.store.hashcodes()) await kept.add((await following.store.get(hashcode)) ?? assert.fail());
    writeFileSync(path, 'and then\n'.repeat(1000));
    await following.round();
    const checkpoint = stateOf(following);
    following.useStore(kept, root);
    await following.resume(checkpoint);
    await following.round();
    assert.equal((await following.content('/a.log')).toString(), 'at first\n'.repeat(1000) + 'and then\n'.repeat(1000));
    assert.deepEqual(following.notices, []);
    await following.group.close();
  });

  it('while no root can be recorded the lag grows, here and for others; then nothing is lost, and both are told once', async (t) => {
    const { folder } = makeScratch(t);
    const path = join(folder, 'a.log');
    const following = new Following([path], '/a.log', false);
    writeFileSync(path, 'at first\n');
    let isBroken = false;
    let nowMs = 0;
    const notices: string[] = [];
    let status: FollowerStatus = { round: 0 };
    const rounds: (() => void)[] = [];
    const checkpointPath = join(folder, 'tail.json');
    const follower = new Follower({
      store: following.store,
      followed: following.group,
      sync: async () => {
        if (isBroken) throw new Error('the archive is away');
        return formatDirent(await following.tree.sync());
      },
      checkpointPath,
      round: 0,
      onStatus: (told) => {
        status = told;
        rounds.shift()?.();
      },
      identity: { store: 'memory', archive: 'default', what: path, target: '/a.log', pid: process.pid },
      everyMs: 0,
      clock: () => new Date('2026-11-22T12:00:00Z'),
      monotonicMs: () => nowMs,
      onNotice: (notice) => notices.push(notice),
      onEnd: () => undefined,
    });
    const round = async (): Promise<void> => {
      nowMs += 20_000;
      const told = new Promise<void>((resolve) => rounds.push(resolve));
      follower.noteEvent();
      await told;
    };
    const lagOfOthers = (): number => {
      const checkpoint = readCheckpoint(checkpointPath);
      assert.ok(checkpoint !== undefined);
      return unrecordedBytes(checkpoint, status.round >= checkpoint.round);
    };
    await follower.start(new AbortController().signal);
    assert.deepEqual([follower.state().lagBytes, lagOfOthers()], [0, 0]);
    isBroken = true;
    for (let i = 1; i <= 3; i++) {
      appendFileSync(path, '0123456789');
      await round();
      assert.deepEqual([follower.state().lagBytes, lagOfOthers()], [10 * i, 10 * i]);
      assert.equal(status.trouble, 'the archive is away');
    }
    isBroken = false;
    await round();
    assert.deepEqual([follower.state().lagBytes, lagOfOthers(), status.trouble], [0, 0, undefined]);
    await follower.stop();
    assert.equal((await following.content('/a.log')).toString(), readFileSync(path, 'utf8'));
    assert.deepEqual(
      notices.map((notice) => notice.replace(/\d+ s/, 'N s')),
      [
        'follow into "/a.log": the archive is away; trying again until it succeeds',
        'follow into "/a.log": it works again after N s; everything read meanwhile is recorded',
      ],
    );
  });

  it('one file whose name in the tree is taken by something else does not keep the others out', async (t) => {
    const { folder } = makeScratch(t);
    for (const name of ['a.log', 'b.log', 'c.log']) writeFileSync(join(folder, name), `${name}\n`);
    const following = new Following([join(folder, '*.log')], '/logs', true);
    await following.tree.mkdir(octetsFromText('/logs'), {});
    await following.tree.mkdir(octetsFromText('/logs/b.log'), {});
    await following.tree.mkdir(octetsFromText('/logs/b.log/inside'), {});
    const bind = following.tree.bind.bind(following.tree);
    following.tree.bind = async (at, dirent, options) => {
      if (at === '/logs/b.log') throw Object.assign(new Error('refused'), { syscall: 'bind', code: 'EACCES', errno: -13 });
      await bind(at, dirent, options);
    };
    await following.round();
    for (const name of ['a.log', 'c.log']) assert.equal((await following.content(`/logs/${name}`)).toString(), `${name}\n`);
    assert.equal(following.notices.length, 1);
    following.tree.bind = bind;
    await following.round();
    assert.equal((await following.content('/logs/b.log')).toString(), 'b.log\n');
    assert.match(following.notices.at(-1) ?? '', /it works again/);
    await following.group.close();
  });
});
