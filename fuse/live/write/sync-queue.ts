import { errorText } from '../../../core/base/system/system-error.ts';
import type { Block } from '../../../core/block/block.ts';
import { MAX_HEAD_SIZE } from '../../../core/blockify/parser.ts';
import { withFoundType } from '../../../core/import/found-type.ts';
import type { LiveLeaf } from '../../../core/tree/live/live-node.ts';
import type { Inode } from '../inode-table.ts';
import type { LiveMount } from '../live-mount.ts';
import type { FrontFile } from './front-file.ts';
import { GatheredFiles } from './gathered-files.ts';
import { nameOf } from './write-front.ts';

/** Files whose content is being stored at a time; small ones are stored together. */
const MAX_UNDER_WAY = 2;
const MAX_SMALL_UNDER_WAY = 128;

/** Milliseconds until a failed file is retried. */
const RETRY_MS = 1000;

/** Milliseconds after which data appended to an open file is stored: most files are closed by then. */
const GROWN_MS = 100;

/** An open file that keeps growing is stored so seldom that storing takes 1/PACE of the time. */
const PACE = 5;

/** Files in a row that fail before the others are left for the next try: the Store itself fails, and each is read for nothing. */
const MAX_FAILED_IN_A_ROW = 8;

/** Files that wait to be stored, about at most: as many small ones as fit into the memory that fronts have. */
const MAX_WAITING = 4096;

/** Closed files that a journal holds and that wait for the next root, at most: each may take two descriptors. */
const MAX_LATER = 64;

/**
 * Stores written data in the background: a file is stored once it is closed, or when a client waits for it.
 * Once its content is in Blocks, the front is released.
 */
export class SyncQueue {
  readonly #mount: LiveMount;
  readonly #waiting = new Set<Inode>();
  /** Small files that wait for each other. */
  readonly #gathered: GatheredFiles<Inode>;
  readonly #later = new Set<Inode>();
  /** Files that could not be stored, and why. Their fronts stay until they are. */
  readonly #failed = new Map<Inode, unknown>();
  #retry: NodeJS.Timeout | undefined;
  /** The last reported failure in the background. */
  #told: string | undefined;
  /** Open files that have grown since they were stored. */
  readonly #grown = new Set<Inode>();
  /** Until when a growing file is not stored again: milliseconds of performance.now(). */
  readonly #restMs = new WeakMap<Inode, number>();
  #growth: NodeJS.Timeout | undefined;
  #underWay = 0;
  #smallUnderWay = 0;
  #idle: (() => void)[] = [];
  #room: (() => void)[] = [];

  constructor(mount: LiveMount) {
    this.#mount = mount;
    this.#gathered = new GatheredFiles({
      requests: () => mount.inodes.asked,
      isFull: () => mount.front.folder.isHalfFull,
      store: (files) => {
        for (const inode of files) this.#waiting.add(inode);
        this.#next();
      },
    });
  }

  /** An open file has grown: what it has more is stored soon, whether it is closed or not. */
  grown(inode: Inode): void {
    this.#grown.add(inode);
    this.#growth ??= setTimeout(() => this.#storeGrown(), GROWN_MS).unref();
  }

  #storeGrown(): void {
    this.#growth = undefined;
    const nowMs = performance.now();
    for (const inode of [...this.#grown]) {
      if ((this.#restMs.get(inode) ?? 0) > nowMs) continue;
      this.#grown.delete(inode);
      // What was closed is stored, or waits to be.
      if (inode.opens > 0 && inode.front !== undefined && !this.#mount.nodes.isRemoved(inode.node)) this.add(inode);
    }
    if (this.#grown.size > 0) this.#growth = setTimeout(() => this.#storeGrown(), GROWN_MS).unref();
  }

  /** Stores a file's content soon. */
  add(inode: Inode): void {
    if (inode.front?.isSmall === true) {
      this.#gathered.add(inode);
      return;
    }
    this.#waiting.add(inode);
    this.#next();
  }

  /**
   * Stores a file's content with the next root, since it is durable as it is. So a database that is opened for each of its
   * commits is stored once for many of them. Of too many files the first is stored now.
   */
  addLater(inode: Inode): void {
    this.#later.delete(inode);
    this.#later.add(inode);
    const [first] = this.#later.size > MAX_LATER ? this.#later : [];
    if (first === undefined) return;
    this.#later.delete(first);
    if (!this.#mount.nodes.isRemoved(first.node)) this.add(first);
  }

  /** Creating a file waits for this if too many files wait to be stored: their fronts take memory, or descriptors. */
  room(): Promise<void> | undefined {
    if (this.#waiting.size + this.#gathered.size < MAX_WAITING) return undefined;
    return new Promise((resolve) => this.#room.push(resolve));
  }

  /** Files whose content could not be stored so far. */
  failed(): Inode[] {
    this.#forgetRemoved();
    return [...this.#failed.keys()];
  }

  /** Stores a file's content now, but of one that is left out: that stays where it is. What fails is tried again by and by. */
  async store(inode: Inode): Promise<void> {
    try {
      await this.#store(inode);
      const [next] = this.#failed.delete(inode) ? this.#failed.keys() : [];
      // The Store works again.
      if (next !== undefined) this.add(next);
    } catch (error) {
      // Queued after the others, which get their turn first.
      this.#failed.delete(inode);
      if (!this.#mount.nodes.isRemoved(inode.node)) this.#failed.set(inode, error);
      this.#tryAgain();
      throw error;
    }
  }

  async #store(inode: Inode): Promise<void> {
    for (const files of [this.#later, this.#gathered, this.#waiting]) files.delete(inode);
    const isLeftOut = this.#mount.isLeftOut(inode);
    if (isLeftOut === false) await this.settle(inode);
    // Of one with several names the sync of the tree knows, and stores it; then it can give up its front.
    else if (isLeftOut === undefined && inode.front?.isSettled === true) await this.settle(inode);
    else this.#mount.settleTime(inode);
  }

  /** Stores a file's content now, whatever it is. @returns the Block of it as it is or was a moment ago; undefined of what is no file */
  async settle(inode: Inode): Promise<Block | undefined> {
    const { front, node } = inode;
    if (node.sort === 'dir' || node.dirent.kind !== 'file') return undefined;
    if (front === undefined) return node.unsynced === undefined ? node.dirent.block : await node.unsynced.settle();
    this.#mount.settleTime(inode);
    const block = await front.settle();
    if (this.#mount.options.keepsTypes === true) await this.#keepType(node, front);
    if (front.settledBlock === block && inode.front === front) this.#settled(inode, front, block);
    return block;
  }

  /** Sets the stored Block as the file's content in the tree. */
  #settled(inode: Inode, front: FrontFile, block: Block): void {
    const { node } = inode;
    if (node.sort === 'dir' || node.dirent.kind !== 'file') return;
    const { nodes } = this.#mount;
    if (node.dirent.block !== block) {
      nodes.changeNow(node, (dirent) => (dirent.kind === 'file' ? { ...dirent, block } : dirent), 'meta', this.#mount);
    }
    if (inode.opens > 0) return;
    this.#mount.journal?.frontCloses(inode);
    inode.front = undefined;
    if (node.unsynced === front) node.unsynced = undefined;
    front.close();
    this.#mount.inodes.drop(inode);
  }

  /** Gives a file the MIME type detected in its content. */
  async #keepType(node: LiveLeaf, front: FrontFile): Promise<void> {
    const head: Uint8Array[] = [];
    for await (const piece of front.read(0, MAX_HEAD_SIZE)) head.push(Uint8Array.from(piece));
    const meta = withFoundType(node.dirent.meta, nameOf(node), Buffer.concat(head));
    if (meta !== node.dirent.meta) this.#mount.nodes.changeNow(node, (dirent) => ({ ...dirent, meta }), 'meta', this.#mount);
  }

  /** Stores every content that is not in Blocks yet. @throws the first of the errors, once all others are stored */
  async settleAll(): Promise<void> {
    this.#forgetRemoved();
    const inodes = [...this.#mount.inodes.all()].filter(({ front }) => front !== undefined);
    const failed: unknown[] = [];
    let inARow = 0;
    // Failed files come last: the cause may lie in the file itself.
    const ordered = [...inodes.filter((each) => !this.#failed.has(each)), ...inodes.filter((each) => this.#failed.has(each))];
    for (const together of togetherOf(ordered)) {
      const stored = await Promise.allSettled(
        together.filter(({ node }) => !this.#mount.nodes.isRemoved(node)).map((inode) => this.store(inode)),
      );
      for (const outcome of stored) {
        inARow = outcome.status === 'fulfilled' ? 0 : inARow + 1;
        if (outcome.status === 'rejected') failed.push(outcome.reason);
      }
      if (inARow >= MAX_FAILED_IN_A_ROW) break;
    }
    await this.idle();
    if (failed.length > 0) throw failed[0];
  }

  /** Reports a failure, the same one only once. */
  #tell(error: unknown): void {
    const text = errorText(error);
    if (text !== this.#told) this.#mount.options.onTrouble(error);
    this.#told = text;
  }

  #tryAgain(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#forgetRemoved();
      for (const inode of [...this.#failed.keys()].slice(0, MAX_FAILED_IN_A_ROW)) this.add(inode);
    }, RETRY_MS).unref();
  }

  #forgetRemoved(): void {
    for (const inode of this.#failed.keys())
      if (inode.front === undefined || this.#mount.nodes.isRemoved(inode.node)) this.#failed.delete(inode);
  }

  /** Stops retries. */
  end(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#growth);
    this.#gathered.end();
  }

  /** Resolves when nothing is being stored. */
  idle(): Promise<void> {
    if (this.#underWay === 0 && this.#waiting.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #next(): void {
    if (this.#room.length > 0 && this.#waiting.size + this.#gathered.size < (MAX_WAITING * 3) / 4)
      for (const resolve of this.#room.splice(0)) resolve();
    for (const inode of this.#waiting) {
      const isSmall = inode.front?.isSmall === true;
      if (isSmall ? this.#smallUnderWay >= MAX_SMALL_UNDER_WAY : this.#underWay - this.#smallUnderWay >= MAX_UNDER_WAY) continue;
      this.#waiting.delete(inode);
      // The content of a removed file is no longer needed.
      if (this.#mount.nodes.isRemoved(inode.node)) continue;
      this.#underWay++;
      if (isSmall) this.#smallUnderWay++;
      const startMs = performance.now();
      this.store(inode)
        .then(
          () => {
            this.#told = undefined;
          },
          (error: unknown) => this.#tell(error),
        )
        .finally(() => {
          const endMs = performance.now();
          if (inode.opens > 0) this.#restMs.set(inode, endMs + PACE * (endMs - startMs));
          this.#underWay--;
          if (isSmall) this.#smallUnderWay--;
          this.#next();
        });
    }
    if (this.#underWay === 0 && this.#waiting.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    if (this.#smallUnderWay === 0) this.#gathered.stored();
  }
}

/** Files in an order, those together that are stored together: small ones in a row. */
function* togetherOf(inodes: readonly Inode[]): Generator<readonly Inode[]> {
  let small: Inode[] = [];
  for (const inode of inodes) {
    if (inode.front?.isSmall === true) {
      small.push(inode);
      if (small.length < MAX_SMALL_UNDER_WAY) continue;
      yield small;
      small = [];
    } else yield [inode];
  }
  if (small.length > 0) yield small;
}
