import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { PRIVATE_ACCESS } from '../../../core/base/system/store-files.ts';
import { JournalFolder } from '../../../core/datadir/journal-folder.ts';

const ID = '01234567-89ab-4def-8123-456789abcdef';
/** Two records, `one` and `another`, as a program of its own made them after vt(5). */
const GOLDEN = '8976746a0d0a1a0a0100000000000000000000030af42f736f6e6500000007610753b3616e6f74686572';

function folderOf(t: TestContext): { readonly journals: JournalFolder; readonly folder: string } {
  const store = mkdtempSync(join(tmpdir(), 'vtftp-journals-'));
  t.after(() => rmSync(store, { recursive: true, force: true }));
  return { journals: new JournalFolder(store, { access: PRIVATE_ACCESS, isDurable: () => true }), folder: join(store, 'journals') };
}

async function recovered(journals: JournalFolder, outcome: 'remove' | 'keep' = 'keep'): Promise<string[][][]> {
  const found: string[][][] = [];
  await journals.recover(async ({ files }) => {
    found.push(files.map(({ records }) => records.map((record) => Buffer.from(record).toString())));
    return await Promise.resolve(outcome);
  });
  return found;
}

describe('the journals of a datadir', () => {
  it('are recovered once their process has let go of them, each file up to its last whole record', async (t) => {
    const { journals, folder } = folderOf(t);
    const [first, second] = [journals.begin(ID, 9), journals.begin(ID, 10)];
    first.append(Buffer.from('one'));
    first.append(Buffer.from('another'));
    await first.sync();
    second.append(Buffer.from('three'));
    assert.equal(await journals.hasLeft(), false);
    assert.deepEqual(await recovered(journals), []);
    const written = readFileSync(join(folder, `${ID}.9`));
    assert.equal(written.subarray(0, GOLDEN.length / 2).toString('hex'), GOLDEN);
    assert.ok(written.subarray(GOLDEN.length / 2).every((octet) => octet === 0));
    // The newest is still its process's.
    await first.close();
    assert.equal(await journals.hasLeft(), false);
    await second.close();
    assert.equal(await journals.hasLeft(), true);
    assert.deepEqual(await recovered(journals), [[['one', 'another'], ['three']]]);
    assert.deepEqual(await recovered(journals, 'remove'), [[['one', 'another'], ['three']]]);
    assert.deepEqual(readdirSync(folder), ['recovery.lock']);
  });

  it('take a record more where they end, whatever stood there', async (t) => {
    const { journals, folder } = folderOf(t);
    const file = journals.begin(ID, 1);
    file.append(Buffer.from('one'));
    file.append(Buffer.alloc(3000, 'x'));
    await file.close();
    truncateSync(join(folder, `${ID}.1`), 1500);
    await journals.recover(async (journal) => {
      await journal.append(Buffer.from('two'));
      return 'keep';
    });
    assert.deepEqual(await recovered(journals), [[['one', 'two']]]);
  });

  it('read as far as they are whole, at each length and with each octet damaged', async (t) => {
    const { journals, folder } = folderOf(t);
    await journals.begin(ID, 1).close();
    const whole = Buffer.from(GOLDEN, 'hex');
    const path = join(folder, `${ID}.1`);
    for (let size = 0; size <= whole.length; size++) {
      writeFileSync(path, whole.subarray(0, size));
      const wanted = size === whole.length ? ['one', 'another'] : size >= 27 ? ['one'] : [];
      assert.deepEqual(await recovered(journals), [[wanted]], `${size} octets`);
    }
    for (let at = 16; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      writeFileSync(path, damaged);
      assert.deepEqual(await recovered(journals), [[at < 27 ? [] : ['one']]], `octet ${at}`);
    }
  });

  it('tell damage from a record that was being written when their process died', async (t) => {
    const { journals, folder } = folderOf(t);
    await journals.begin(ID, 1).close();
    const path = join(folder, `${ID}.1`);
    const golden = Buffer.from(GOLDEN, 'hex');
    const room = Buffer.alloc(100);
    const isWhole = async (content: Uint8Array): Promise<boolean | undefined> => {
      writeFileSync(path, content);
      let whole: boolean | undefined;
      await journals.recover(async ({ files }) => {
        whole = files[0]?.isWhole;
        return await Promise.resolve('keep');
      });
      return whole;
    };
    for (let size = 16; size <= golden.length; size++) {
      assert.equal(
        await isWhole(Buffer.concat([golden.subarray(0, size), Buffer.alloc(golden.length - size), room])),
        true,
        `${size} octets`,
      );
    }
    const firstRecordEnd = 27;
    for (let at = 0; at < firstRecordEnd; at++) {
      // The version, NUL octets that say nothing, and a length that then covers the next record just so.
      if ((at >= 8 && at < 16) || at === 19) continue;
      const damaged = Buffer.concat([golden, room]);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      assert.equal(await isWhole(damaged), false, `octet ${at}`);
    }
  });

  it('are set aside once their process is dead, or copied there', async (t) => {
    const { journals, folder } = folderOf(t);
    const [first, second] = [journals.begin(ID, 1), journals.begin(ID, 2)];
    first.append(Buffer.from('one'));
    await assert.rejects(journals.setAside(`journals/${ID}`), /the mount that writes it is alive/);
    await assert.rejects(journals.setAside('journals/other'), /there is no such journal/);
    await first.close();
    await second.close();
    const wanted = [`journals/aside/${ID}.1`, `journals/aside/${ID}.2`];
    await journals.recover(async (journal) => {
      assert.equal(journal.name, `journals/${ID}`);
      assert.equal(journal.copyAside(), 'journals/aside');
      return await Promise.resolve('keep');
    });
    assert.deepEqual(journals.listAside(), wanted);
    assert.deepEqual(readFileSync(join(folder, `aside/${ID}.1`)), readFileSync(join(folder, `${ID}.1`)));
    assert.deepEqual(await journals.setAside(`journals/${ID}`), wanted);
    assert.equal(journals.isEmpty, true);
    assert.deepEqual(journals.listAside(), wanted);
  });

  it('of a later version are refused', async (t) => {
    const { journals, folder } = folderOf(t);
    await journals.begin(ID, 1).close();
    const later = Buffer.from(GOLDEN, 'hex');
    later[8] = 2;
    writeFileSync(join(folder, `${ID}.1`), later);
    await assert.rejects(recovered(journals), /its version is 2, this program knows 1/);
  });
});
