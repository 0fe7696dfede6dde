import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { systemOwnerNames } from '../../../core/base/system/owner-names.ts';
import { EdgeScanner } from '../../../core/blockify/edge-scanner.ts';
import { Ingest } from '../../../core/blockify/ingest/ingest.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import type { Checkpoint, TailMark } from '../../../core/follow/checkpoint.ts';
import { localPattern } from '../../../core/follow/local-pattern.ts';
import { TailGroup } from '../../../core/follow/tail-group.ts';
import { openOwn } from '../../../core/follow/tailed-file.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { LiveTree } from '../../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';

// A tail in hands that ring for it, and what is written to a log, in order.

/** What follows some files into a tree in memory. */
export class Following {
  store: MemoryStore;
  tree: LiveTree;
  readonly notices: string[] = [];
  readonly #patterns: readonly string[];
  readonly #target: string;
  readonly #intoDir: boolean;
  nowMs = 0;
  opener = openOwn;
  group: TailGroup;

  constructor(patterns: readonly string[], target: string, intoDir: boolean) {
    this.store = new MemoryStore();
    this.tree = openLiveTree(this.store, undefined);
    this.#patterns = patterns;
    this.#target = target;
    this.#intoDir = intoDir;
    this.group = this.#make();
  }

  #make(): TailGroup {
    return new TailGroup({
      store: this.store,
      tree: this.tree,
      makeIngest: () => new Ingest(this.store, { workers: 0 }),
      scanner: new EdgeScanner(this.store.edges),
      patterns: this.#patterns.map((pattern) => localPattern(octetsFromText(pattern))),
      target: this.#target as TreePath,
      intoDir: this.#intoDir,
      dirMeta: () => ({}),
      opener: this.opener,
      parser: undefined,
      owners: systemOwnerNames(),
      monotonicMs: () => this.nowMs,
      onNotice: (notice) => this.notices.push(notice),
    });
  }

  /** One round. @returns whether anything changed */
  async round(): Promise<boolean> {
    if (this.#intoDir && (await this.tree.lookup(this.#target as TreePath)) === undefined)
      await this.tree.mkdir(this.#target as TreePath, {});
    const changed = await this.group.look({});
    await this.group.flush({});
    await this.group.bind({});
    return changed;
  }

  /** What a checkpoint would keep. */
  marks(): readonly TailMark[] {
    return JSON.parse(JSON.stringify(this.group.marks())) as TailMark[];
  }

  /** Ends as by kill -9, and begins again from a checkpoint. */
  async restart(marks: readonly TailMark[]): Promise<void> {
    await this.resume({ tails: marks, isChecked: true });
  }

  /** Another Store, and what a root in it has. */
  useStore(store: MemoryStore, root?: DirDirent): void {
    this.store = store;
    this.tree = openLiveTree(store, root);
  }

  /** The same, from a checkpoint that was read. */
  async resume(checkpoint: Pick<Checkpoint, 'tails' | 'isChecked'>): Promise<void> {
    await this.group.close();
    this.group = this.#make();
    await this.group.restore(checkpoint, {});
  }

  async content(path: string): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const octets of this.tree.read(path as Octets)) parts.push(Buffer.from(octets));
    return Buffer.concat(parts);
  }
}
