import assert from 'node:assert/strict';
import { lstatSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { octetsFromText } from '../../../../core/base/octets.ts';
import { systemOwnerNames } from '../../../../core/base/system/owner-names.ts';
import { setLocalMeta } from '../../../../core/tree/local/local-attributes.ts';
import type { LocalNode } from '../../../../core/tree/local/local-node.ts';
import { localNode } from '../../../../core/tree/local/local-node.ts';
import { makeScratch } from '../../../support/scratch.ts';

const owners = systemOwnerNames();

/** A tree with `d/f`, and `out/f` that stands outside. */
function places(t: TestContext) {
  const scratch = makeScratch(t);
  scratch.mkdir('tree/d');
  scratch.mkdir('out');
  for (const name of ['tree/d/f', 'out/f']) writeFileSync(scratch.path(name), name, { mode: 0o640 });
  return scratch;
}

function nodeAt(path: string): LocalNode {
  const node = localNode(octetsFromText(path));
  assert.ok(node !== undefined);
  return node;
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o7777;
}

describe('the attributes of a node that was found', { skip: process.platform === 'linux' ? false : 'other systems go by its path' }, () => {
  it('are set on that very node', (t) => {
    const { path } = places(t);
    setLocalMeta(nodeAt(path('tree/d/f')), { mode: 0o604, mtimeNs: 9_000_000_000n }, owners);
    assert.equal(modeOf(path('tree/d/f')), 0o604);
    assert.equal(statSync(path('tree/d/f')).mtimeMs, 9000);
    symlinkSync('../out/f', path('tree/link'));
    setLocalMeta(nodeAt(path('tree/link')), { mode: 0o777, mtimeNs: 5_000_000_000n }, owners);
    assert.equal(lstatSync(path('tree/link')).mtimeMs, 5000);
    assert.equal(modeOf(path('out/f')), 0o640);
    assert.notEqual(statSync(path('out/f')).mtimeMs, 5000);
  });

  it('are set on nothing where a directory on the way gave way to a symlink', (t) => {
    const { path } = places(t);
    const node = nodeAt(path('tree/d/f'));
    renameSync(path('tree/d'), path('tree/away'));
    symlinkSync(path('out'), path('tree/d'));
    assert.throws(() => setLocalMeta(node, { mode: 0o777 }, owners), /ENOTDIR/);
    assert.equal(modeOf(path('out/f')), 0o640);
  });

  it('are set on nothing where the node itself gave way to another', (t) => {
    const { path } = places(t);
    const node = nodeAt(path('tree/d/f'));
    renameSync(path('tree/d/f'), path('tree/d/g'));
    symlinkSync(path('out/f'), path('tree/d/f'));
    assert.throws(() => setLocalMeta(node, { mode: 0o777 }, owners), /it was replaced meanwhile/);
    assert.equal(modeOf(path('out/f')), 0o640);
  });
});
