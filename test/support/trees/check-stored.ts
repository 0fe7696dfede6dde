import assert from 'node:assert/strict';
import type { Octets } from '../../../core/base/octets.ts';
import { readDir } from '../../../core/dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../../core/dirent/dirent.ts';
import type { Store } from '../../../core/store/store.ts';

interface Scope {
  readonly dir: DirDirent;
  readonly nodes: Map<string, { readonly dirent: Dirent; names: number }>;
  readonly parent: Scope | undefined;
}

/**
 * Reads a stored Dirent entirely and checks what its format promises of hard links: every name has its node in the
 * nearest table with its uuid, every node counts its names, none is without, and `links` counts the names below.
 */
export async function checkStored(store: Store, top: DirDirent): Promise<void> {
  await checkDir(store, top, undefined);
}

async function checkDir(store: Store, dir: DirDirent, parent: Scope | undefined): Promise<number> {
  const scope: Scope = { dir, parent, nodes: new Map() };
  if (dir.inodes !== undefined) {
    for await (const dirent of readDir(store, dir.inodes)) {
      assert.equal(dirent.name, dirent.uuid, 'a node is named by its uuid');
      scope.nodes.set(dirent.name, { dirent, names: 0 });
    }
    assert.notEqual(scope.nodes.size, 0, 'an inode table has nodes');
  }
  let links = 0;
  for await (const entry of readDir(store, dir.block)) {
    if (entry.kind === 'dir') links += await checkDir(store, entry, scope);
    else if (entry.kind === 'indirect') {
      links++;
      count(scope, entry.name, entry.uuid);
    } else assert.equal(entry.nlink, undefined, `"${entry.name}" stands in a Dir and counts names`);
  }
  assert.equal(dir.links ?? 0, links, `names of hard links below "${dir.name}"`);
  for (const [uuid, { dirent, names }] of scope.nodes) assert.equal(dirent.nlink, names, `names of ${uuid} below "${dir.name}"`);
  return links;
}

function count(scope: Scope, name: Octets, uuid: string): void {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const node = at.nodes.get(uuid);
    if (node === undefined) continue;
    node.names++;
    return;
  }
  assert.fail(`"${name}" means ${uuid}, which no table has`);
}
