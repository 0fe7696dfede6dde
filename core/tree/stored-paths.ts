import { PathError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { BlockSource } from '../block/block-source.ts';
import type { DirDirent, Dirent } from '../dirent/dirent.ts';
import type { NodeDirent } from './diff/diff.ts';
import { DirReader } from './dir-reader.ts';
import type { TreePath } from './path.ts';
import { resolvePath } from './resolve.ts';

/** A node on a path, and the Dir in which it was found. */
interface Step {
  readonly dirent: NodeDirent;
  readonly above: Step | undefined;
}

/** Looks up paths in stored roots; caches decoded Dirs across roots. */
export class StoredPaths {
  readonly #reader: DirReader;

  constructor(source: BlockSource) {
    this.#reader = new DirReader(source);
  }

  /** Finds the node at a path, or undefined. It does not follow a symlink in the last element. */
  async lookup(root: DirDirent, path: TreePath, options: OpOptions = {}): Promise<NodeDirent | undefined> {
    const nodes = {
      root: { dirent: root, above: undefined } as Step,
      kind: ({ dirent: { kind } }: Step) => (kind === 'dir' || kind === 'symlink' ? kind : 'other'),
      child: async (dir: Step, name: Octets) => await this.#child(dir, name, options),
      target: ({ dirent }: Step) => (dirent.kind === 'symlink' ? dirent.target : ('' as Octets)),
    } as const;
    try {
      return (await resolvePath<Step>(nodes, path, false, 'look up')).node?.dirent;
    } catch (error) {
      if (error instanceof PathError && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  async #child(dir: Step, name: Octets, options: OpOptions): Promise<Step | undefined> {
    const dirent = dir.dirent.kind === 'dir' ? await this.#reader.find(dir.dirent.block, name, options) : undefined;
    if (dirent?.kind !== 'indirect') return dirent && { dirent, above: dir };
    const node = await this.#linked(dir, dirent.uuid, options);
    return node === undefined || node.kind === 'indirect' ? undefined : { dirent: { ...node, name }, above: dir };
  }

  async #linked(dir: Step, uuid: string, options: OpOptions): Promise<Dirent | undefined> {
    for (let at: Step | undefined = dir; at !== undefined; at = at.above) {
      const table = at.dirent.kind === 'dir' ? at.dirent.inodes : undefined;
      const node = table === undefined ? undefined : await this.#reader.find(table, uuid as Octets, options);
      if (node !== undefined) return node;
    }
    return undefined;
  }
}
