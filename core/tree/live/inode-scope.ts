import type { Octets } from '../../base/octets.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { DirDirent, IndirectDirent } from '../../dirent/dirent.ts';
import type { DirReader } from '../dir-reader.ts';
import { entryId } from '../node-id.ts';
import type { HardLeaf, LeafDirent } from './live-node.ts';
import { LiveDir } from './live-node.ts';

/**
 * The inode table of a Dir in a live tree: the hard-linked nodes whose names are in that Dir or below. A name
 * refers to the node with its uuid in the nearest table that has it, from its own Dir upwards.
 *
 * @see vt(5), "Hard links"
 */
export class InodeScope {
  readonly dir: LiveDir;
  /** Whether the table has to be written. */
  changed = false;
  /** Whether names of its nodes were left out when it was last written. */
  hasLeftOut = false;
  #nodes: Map<string, HardLeaf> | undefined;
  #loading: Promise<Map<string, HardLeaf>> | undefined;

  constructor(dir: LiveDir) {
    this.dir = dir;
    if (dir.dirent.inodes === undefined) this.#nodes = new Map();
  }

  /** Returns the nodes by uuid; the first call reads them from the Store. */
  async load(reader: DirReader, options?: OpOptions): Promise<Map<string, HardLeaf>> {
    if (this.#nodes !== undefined) return this.#nodes;
    this.#loading ??= this.#read(reader, options);
    try {
      this.#nodes = await this.#loading;
    } finally {
      this.#loading = undefined;
    }
    return this.#nodes;
  }

  /** The nodes by uuid; undefined if they are not loaded. */
  get loaded(): Map<string, HardLeaf> | undefined {
    return this.#nodes;
  }

  async #read(reader: DirReader, options: OpOptions | undefined): Promise<Map<string, HardLeaf>> {
    const nodes = new Map<string, HardLeaf>();
    const { inodes } = this.dir.dirent;
    if (inodes === undefined) return nodes;
    for await (const dirent of reader.entries(inodes, options)) {
      if (dirent.kind === 'dir' || dirent.kind === 'indirect') continue;
      const uuid = dirent.uuid ?? dirent.name;
      nodes.set(uuid, hardLeaf(this, uuid, dirent));
    }
    return nodes;
  }
}

function hardLeaf(scope: InodeScope, uuid: string, dirent: LeafDirent): HardLeaf {
  const id = entryId(scope.dir.id, `/${uuid}` as Octets);
  return { sort: 'leaf', id, dirent, hard: { scope, uuid, nlink: dirent.nlink ?? 1 } };
}

/** Makes a live Dir from a stored one. */
export function liveDir(id: number, parent: LiveDir | undefined, name: Octets, dirent: DirDirent): LiveDir {
  const dir = new LiveDir(id, parent, name, dirent);
  if (dirent.inodes !== undefined) dir.scope = new InodeScope(dir);
  return dir;
}

/** Opens the stored Dir at a name as a live Dir, and puts it into its parent's overlay. */
export function openStoredDir(parent: LiveDir, name: Octets, dirent: DirDirent): LiveDir {
  const open = parent.overlay.get(name);
  if (open?.sort === 'dir') return open;
  const dir = liveDir(entryId(parent.id, name), parent, name, dirent);
  parent.overlay.set(name, dir);
  return dir;
}

/** Opens the stored Dir at a name for reading. With an inode table it is cached, so that all callers get the same nodes. */
export function lookIntoDir(parent: LiveDir, name: Octets, dirent: DirDirent): LiveDir {
  if (dirent.inodes !== undefined) return openStoredDir(keptDir(parent), name, dirent);
  return liveDir(entryId(parent.id, name), parent, name, dirent);
}

/** The Dir at the place of `dir` that stays open in the tree. */
export function keptDir(dir: LiveDir): LiveDir {
  const down: LiveDir[] = [];
  let root = dir;
  for (; root.parent !== undefined; root = root.parent) down.push(root);
  let at = root;
  for (let next = down.pop(); next !== undefined; next = down.pop()) {
    const open = at.overlay.get(next.name);
    if (open?.sort === 'dir') at = open;
    else {
      next.parent = at;
      at.overlay.set(next.name, next);
      at = next;
    }
  }
  return at;
}

/** The scopes in which names in `dir` are looked up, nearest first. */
export function scopesAbove(dir: LiveDir): InodeScope[] {
  const scopes: InodeScope[] = [];
  for (let at: LiveDir | undefined = dir; at !== undefined; at = at.parent) if (at.scope !== undefined) scopes.push(at.scope);
  return scopes;
}

/** Finds the node of a name with this uuid in `dir`; undefined if no table has it. */
export async function findNode(reader: DirReader, dir: LiveDir, uuid: string, options?: OpOptions): Promise<HardLeaf | undefined> {
  for (const scope of scopesAbove(dir)) {
    const node = (await scope.load(reader, options)).get(uuid);
    if (node !== undefined) return node;
  }
  return undefined;
}

/** As {@link findNode}, if all tables on the way are loaded; else undefined. */
export function findLoadedNode(dir: LiveDir, uuid: string): HardLeaf | undefined {
  for (let at: LiveDir | undefined = dir; at !== undefined; at = at.parent) {
    if (at.scope === undefined) continue;
    const { loaded } = at.scope;
    const node = loaded?.get(uuid);
    if (loaded === undefined || node !== undefined) return node;
  }
  return undefined;
}

/** Notes that a table has to be written. */
export function markScopeChanged(scope: InodeScope): void {
  scope.changed = true;
  scope.dir.markStale();
}

/** Makes the Dirent of a node in a table. */
export function tableDirent(node: HardLeaf): LeafDirent {
  return { ...node.dirent, name: node.hard.uuid as Octets, uuid: node.hard.uuid, nlink: node.hard.nlink };
}

/** Makes the Dirent of a name of a node. */
export function linkDirent(name: Octets, uuid: string): IndirectDirent {
  return { kind: 'indirect', name, uuid, meta: {} };
}
