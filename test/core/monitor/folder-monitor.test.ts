import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { octetsFromBytes, octetsFromText } from '../../../core/base/octets.ts';
import { type FolderMonitor, watchPaths } from '../../../core/monitor/folder-monitor.ts';
import { makeScratch } from '../../support/scratch.ts';

interface Watching {
  readonly folder: string;
  readonly monitor: FolderMonitor;
  /** Does something; resolves once these names were told. */
  readonly tells: (names: readonly string[], act: () => void) => Promise<void>;
  /** Names told since the last call. */
  readonly told: Set<string>;
}

async function watching(t: TestContext): Promise<Watching> {
  const folder = makeScratch(t).mkdir('tree');
  const told = new Set<string>();
  let check = (): void => undefined;
  const monitor = await watchPaths([octetsFromText(folder)], {
    deep: true,
    concerns: () => true,
    onChange: (path) => {
      told.add(path.slice(folder.length + 1));
      check();
    },
    onMissed: (directory) => {
      told.add(directory === undefined ? 'anything' : `${directory.slice(folder.length + 1)}/*`);
      check();
    },
    onError: (error) => assert.fail(String(error)),
  });
  t.after(() => monitor[Symbol.asyncDispose]());
  await monitor.ready;
  const tells = async (names: readonly string[], act: () => void): Promise<void> => {
    told.clear();
    await new Promise<void>((resolve) => {
      check = () => {
        if (names.every((name) => told.has(name))) resolve();
      };
      act();
    });
  };
  return { folder, monitor, tells, told };
}

describe('a watch over a folder', () => {
  it('tells of symlinks that lead nowhere: made, turned, and removed', async (t) => {
    const { folder, tells } = await watching(t);
    const link = join(folder, 'l');
    await tells(['l'], () => symlinkSync('nowhere', link));
    await tells(['l'], () => {
      symlinkSync('elsewhere', `${link}.new`);
      renameSync(`${link}.new`, link);
    });
    await tells(['l'], () => rmSync(link));
  });

  it('tells of names that are not UTF-8, and of the folder itself', async (t) => {
    const { folder, tells } = await watching(t);
    const name = Buffer.from([0x66, 0xff]);
    await tells([octetsFromBytes(name)], () => writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), ''));
    await tells([''], () => chmodSync(folder, 0o700));
  });

  it('tells of what is in a directory that has come, and in one that was moved by its new name', async (t) => {
    const { folder, tells, told } = await watching(t);
    await tells(['d'], () => mkdirSync(join(folder, 'd/e'), { recursive: true }));
    await tells(['d/e/f'], () => writeFileSync(join(folder, 'd/e/f'), ''));
    await tells(['d', 'moved'], () => renameSync(join(folder, 'd'), join(folder, 'moved')));
    await tells(['moved/e/f'], () => writeFileSync(join(folder, 'moved/e/f'), 'more'));
    assert.ok(!told.has('d/e/f'));
  });

  it('tells of a directory that was removed and made again at once that anything in it may have changed', async (t) => {
    const { folder, tells } = await watching(t);
    await tells(['d', 'd/*'], () => mkdirSync(join(folder, 'd')));
    await tells(['d', 'd/*'], () => {
      rmSync(join(folder, 'd'), { recursive: true });
      mkdirSync(join(folder, 'd'));
      writeFileSync(join(folder, 'd/new'), '');
    });
    await tells(['d/later'], () => writeFileSync(join(folder, 'd/later'), ''));
  });

  it('goes on where the folder was removed and made again', async (t) => {
    const { folder, monitor, tells, told } = await watching(t);
    await tells([''], () => {
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
    });
    await monitor.renew();
    assert.ok(told.has('anything'));
    await tells(['new'], () => writeFileSync(join(folder, 'new'), ''));
  });
});
