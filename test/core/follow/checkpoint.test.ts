import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../../../core/follow/checkpoint.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { Following } from './tailing.ts';

const CHECKPOINT: Omit<Checkpoint, 'isChecked'> = {
  round: 3,
  command: 'follow',
  store: 'datadir:/s',
  archive: 'default',
  what: '/var/log/a.log',
  target: '/a.log',
  pid: 17,
  when: '2026-11-22T12:00:00.000Z',
  rate: 0,
  files: 1,
  tails: [{ path: 'L2E=', name: 'L2E=', stable: 0, isDeaf: false, files: [], done: [], dirent: 'F{block:LB{}}' }],
};

// Made by printf, sha256sum and an editor.
const GOLDEN =
  'vtftp-tail 2 380aa36f1b4bc86ce30080db0e28c8611ed34ff988ce1c1c3226c18587976c8c\n' +
  '{"round":3,"command":"follow","store":"datadir:/s","archive":"default","what":"/var/log/a.log","target":"/a.log","pid":17,' +
  '"when":"2026-11-22T12:00:00.000Z","rate":0,"files":1,"tails":[{"path":"L2E=","name":"L2E=","stable":0,"isDeaf":false,"files":[],"done":[],"dirent":"F{block:LB{}}"}]}\n';

/** Each octet string that differs from another in one bit. */
function* flips(data: Buffer): Iterable<{ readonly bit: number; readonly flipped: Buffer }> {
  for (let bit = 0; bit < data.length * 8; bit++) {
    const flipped = Buffer.from(data);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    yield { bit, flipped };
  }
}

describe('checkpoints of tails', () => {
  it('have a version and a checksum before them', () => {
    assert.equal(encodeCheckpoint(CHECKPOINT).toString(), GOLDEN);
    assert.deepEqual(decodeCheckpoint(Buffer.from(GOLDEN), 'c'), { ...CHECKPOINT, isChecked: true });
  });

  it('are refused with a remedy where any bit is another, where they are cut short anywhere, and where anything follows', () => {
    const data = Buffer.from(GOLDEN);
    const refuses = (damaged: Buffer, what: string): void =>
      assert.throws(() => decodeCheckpoint(damaged, 'c'), { code: 'EFAILED', remedy: /remove it/ }, what);
    for (const { bit, flipped } of flips(data)) refuses(flipped, `bit ${bit}`);
    for (let size = 0; size < data.length; size++) refuses(data.subarray(0, size), `${size} octets`);
    refuses(Buffer.concat([data, Buffer.from(' ')]), 'a blank more');
  });

  it('without a checksum are read; with bits flipped here and there the content comes once, or the damage is named', async (t) => {
    const path = join(makeScratch(t).folder, 'a.log');
    writeFileSync(path, 'a line\n'.repeat(40));
    const following = new Following([path], '/a.log', false);
    await following.round();
    const tails = following.marks();
    appendFileSync(path, 'and one more\n');
    await following.round();
    const content = (await following.content('/a.log')).toString();
    const seen = { right: 0, refused: 0 };
    const seed = Date.now() >>> 0;
    t.diagnostic(`seed ${seed}`);
    const random = makeRandom(seed);
    let tried = random.below(8);
    const old = Buffer.from(JSON.stringify({ version: 1, ...CHECKPOINT, round: undefined, tails }));
    const at = old.indexOf('"tails"') * 8;
    for (const { bit, flipped } of flips(old)) {
      // What is before the tails says nothing of the content; of each octet one bit.
      if (bit % 8 === 0) tried = random.below(8);
      if (bit < at || bit % 8 !== tried) continue;
      try {
        await following.resume(decodeCheckpoint(flipped, 'c'));
      } catch (error) {
        assert.ok(error instanceof VtError || error instanceof TypeError || error instanceof SyntaxError, `bit ${bit}: ${String(error)}`);
        seen.refused++;
        continue;
      }
      await following.round();
      assert.equal((await following.content('/a.log')).toString(), content, `bit ${bit}: ${flipped.toString('latin1')}`);
      seen.right++;
    }
    t.diagnostic(`${seen.right} as it was, ${seen.refused} refused`);
    assert.ok(seen.right > 100);
    await following.group.close();
  });
});
