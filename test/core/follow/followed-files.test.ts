import assert from 'node:assert/strict';
import { appendFileSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { octetsFromText } from '../../../core/base/octets.ts';
import { encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import { importLocal } from '../../../core/import/import.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { Log } from '../../support/growing-log.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { Following } from './tailing.ts';

describe('the content of a tail is all that was ever written', () => {
  it('a file that appears under a pattern later, and one that is rotated under a name that fits it', async (t) => {
    const folder = makeScratch(t).folder;
    const first = new Log(join(folder, 'a.log'));
    const following = new Following([join(folder, '*.log*')], '/logs', true);
    first.write('a\n');
    await following.round();
    const second = new Log(join(folder, 'b.log'));
    second.write('b\n');
    first.rotateByRename();
    first.reopen();
    first.write('a again\n');
    await following.round();
    await following.restart(following.marks());
    first.rotateByRename();
    first.reopen();
    first.write('and again\n');
    await following.round();
    assert.equal((await following.content('/logs/a.log')).toString(), first.written.toString());
    assert.equal((await following.content('/logs/b.log')).toString(), 'b\n');
    const names: string[] = [];
    for await (const { name } of following.tree.list(octetsFromText('/logs'))) names.push(name);
    assert.deepEqual(names, ['a.log', 'b.log']);
    first.close();
    second.close();
    await following.group.close();
  });

  it('hard links: each path has the content, which is stored once', async (t) => {
    const folder = makeScratch(t).folder;
    const log = new Log(join(folder, 'a.log'));
    log.write('text '.repeat(5000));
    linkSync(log.path, join(folder, 'b.log'));
    const following = new Following([join(folder, '*.log')], '/logs', true);
    await following.round();
    const { newBytes } = following.store.counts();
    assert.ok(newBytes < 26_000, `${newBytes} octets`);
    log.write('on\n');
    await following.round();
    for (const name of ['a', 'b']) assert.equal((await following.content(`/logs/${name}.log`)).toString(), log.written.toString());
    log.close();
    await following.group.close();
  });

  it('what is no regular file is told of, and waited for no longer than it takes to become one', async (t) => {
    const folder = makeScratch(t).folder;
    const path = join(folder, 'd');
    mkdirSync(path);
    const following = new Following([path], '/d', false);
    await following.round();
    assert.match(following.notices.join(), /not a regular file/);
    rmSync(path, { recursive: true });
    writeFileSync(path, 'text');
    await following.round();
    assert.equal((await following.content('/d')).toString(), 'text');
    await following.group.close();
  });

  it('the Dirent after appends is that of one put, and what is read is what is new and 4 KiB an append', async (t) => {
    const folder = makeScratch(t).folder;
    const random = makeRandom(7);
    const path = join(folder, 'mail.mbox');
    const following = new Following([path], '/mail.mbox', false);
    writeFileSync(path, 'From a\nSubject: first\n\n');
    await following.round();
    let appends = 0;
    for (let i = 0; i < 60; i++) {
      appendFileSync(path, `\nFrom somebody${i}\nSubject: ${i}\n\n${'words '.repeat(random.below(2000))}\n`);
      appends++;
      await following.round();
    }
    const put = await importLocal(new MemoryStore(), octetsFromText(path));
    const { dirent } = (await following.tree.lookup(octetsFromText('/mail.mbox'))) ?? {};
    assert.ok(dirent !== undefined);
    assert.deepEqual(encodeDirent(dirent), encodeDirent(put.dirent));
    const { readBytes, newBytes } = following.group.counts();
    assert.equal(newBytes, readFileSync(path).length);
    assert.ok(readBytes <= newBytes + appends * 4096, `${readBytes} octets read for ${newBytes}`);
    assert.equal(await following.round(), false);
    await following.group.close();
  });

  it('what is much goes by the workers, and nothing is lost or comes twice where the Store fails meanwhile', async (t) => {
    const path = join(makeScratch(t).folder, 'a.log');
    const random = makeRandom(11);
    const following = new Following([path], '/a.log', false);
    const { addBatch } = following.store;
    let left = Number.POSITIVE_INFINITY;
    following.store.addBatch = async (blocks, options) => {
      if (left-- <= 0) throw new Error('the disk is full');
      return await addBatch.call(following.store, blocks, options);
    };
    writeFileSync(path, 'a line\n'.repeat(900));
    await following.round();
    for (const failsAfter of [0, 2, 5, Number.POSITIVE_INFINITY]) {
      for (let i = 0; i < 3; i++) appendFileSync(path, random.bytes(4_000_000).toString('base64'));
      left = failsAfter;
      if (failsAfter < 10) {
        await assert.rejects(following.round(), /the disk is full/);
        await assert.rejects(following.round(), /the disk is full/);
        left = Number.POSITIVE_INFINITY;
        // A process that is killed now goes on from here.
        if (failsAfter === 5) await following.restart(following.marks());
      }
      await following.round();
      const put = await importLocal(new MemoryStore(), octetsFromText(path));
      const { dirent } = (await following.tree.lookup(octetsFromText('/a.log'))) ?? {};
      assert.ok(dirent !== undefined);
      assert.deepEqual(encodeDirent(dirent), encodeDirent(put.dirent), `after ${failsAfter} batches`);
    }
    await following.group.close();
  });

  it('a file that is stored already goes on there, if it begins so', async (t) => {
    const folder = makeScratch(t).folder;
    const path = join(folder, 'a.log');
    writeFileSync(path, 'line\n'.repeat(9000));
    const following = new Following([path], '/a.log', false);
    const put = await importLocal(following.store, octetsFromText(path));
    await following.tree.bind(octetsFromText('/a.log'), put.dirent);
    appendFileSync(path, 'more\n');
    await following.round();
    assert.equal((await following.content('/a.log')).toString(), readFileSync(path, 'utf8'));
    assert.equal(following.group.counts().newBytes, 5);
    await following.group.close();
  });

  it('1,000 files at once', async (t) => {
    const folder = makeScratch(t).folder;
    const logs = Array.from({ length: 1000 }, (_, i) => new Log(join(folder, `${i}.log`)));
    const following = new Following([join(folder, '*.log')], '/logs', true);
    await following.round();
    for (let round = 0; round < 3; round++) {
      for (const [i, log] of logs.entries()) log.write(`${round} ${i}\n`);
      await following.round();
    }
    for (const [i, log] of logs.entries()) {
      assert.equal((await following.content(`/logs/${i}.log`)).toString(), log.written.toString());
      log.close();
    }
    await following.group.close();
  });
});
