import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { it } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import type { Attributes, Caller } from '../../../fuse/filesystem.ts';
import { ROOT_INO } from '../../../fuse/filesystem.ts';
import { LiveHarness } from '../live-harness.ts';

it('a Dir that was forgotten and comes back by a listing that is kept is the one that its name has', async () => {
  await using harness = new LiveHarness();
  await harness.caller.call('mkdir', 'parent', 0o755);
  await harness.caller.call('mkdir', 'parent/dir', 0o755);
  await harness.caller.call('close', await harness.caller.call('open', 'parent/dir/file', constants.O_CREAT | constants.O_WRONLY, 0o644));
  await harness.reopen();
  const { filesystem } = harness.live;
  const asker: Caller = { uid: 0, gid: 0, pid: 0, signal: new AbortController().signal };
  const lookUp = async (parent: number, name: string): Promise<number> => {
    const found = await filesystem.lookup(parent, name as Octets, asker);
    assert.ok(found !== undefined);
    return found.ino;
  };
  const parent = await lookUp(ROOT_INO, 'parent');
  const dir = await lookUp(parent, 'dir');
  const { handle } = await filesystem.opendir(parent, asker);
  const list = async (): Promise<number[]> => {
    const given: Attributes[] = [];
    await filesystem.readdir(
      parent,
      handle,
      0,
      true,
      ({ attributes }) => {
        if (attributes !== undefined) given.push(attributes);
        return true;
      },
      asker,
    );
    return given.map(({ ino }) => ino);
  };
  assert.deepEqual(await list(), [dir]);
  filesystem.forget(dir, 2);
  assert.deepEqual(await list(), [dir]);
  assert.equal(await lookUp(parent, 'dir'), dir);
  await lookUp(dir, 'file');
  await filesystem.mkdir(dir, 'more' as Octets, 0o755, 0, asker);
  assert.ok((await filesystem.lookup(await lookUp(parent, 'dir'), 'more' as Octets, asker)) !== undefined);
});
