import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { systemOwnerNames } from '../../../core/base/owner-names.ts';
import { EdgeScanner } from '../../../core/blockify/edge-scanner.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { TailMark } from '../../../core/tail/checkpoint.ts';
import { localPattern } from '../../../core/tail/local-pattern.ts';
import { TailGroup } from '../../../core/tail/tail-group.ts';
import type { LiveTree } from '../../../core/tree/live-tree.ts';
import { openLiveTree } from '../../../core/tree/live-tree.ts';
import type { TreePath } from '../../../core/tree/tree.ts';

// A tail in hands that ring for it, and what is written to a log, in order.

/** A log and who writes it; what was written to it stands in `written`. */
export class Log {
  readonly path: string;
  written: Buffer = Buffer.alloc(0);
  #fd: number;
  #time = 1_700_000_000;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, 'a');
  }

  /** Appends by the descriptor that is open, as loggers do. */
  write(text: string | Uint8Array): void {
    const data = Buffer.from(text);
    writeSync(this.#fd, data);
    this.written = Buffer.concat([this.written, data]);
    // Real logs are not rotated twice within one tick of the kernel's clock.
    this.touch(this.#where());
  }

  touch(path: string): void {
    this.#time++;
    if (existsSync(path)) utimesSync(path, this.#time, this.#time);
  }

  #moved: string | undefined;

  #where(): string {
    return this.#moved ?? this.path;
  }

  /** `log.1` becomes `log.2`, …, the log `log.1`, and a new one is made. Whoever writes goes on with the old one until `reopen`. */
  rotateByRename(): void {
    this.#shift();
    renameSync(this.path, `${this.path}.1`);
    this.#moved ??= `${this.path}.1`;
    writeFileSync(this.path, '');
    this.touch(this.path);
  }

  reopen(): void {
    closeSync(this.#fd);
    this.#fd = openSync(this.path, 'a');
    this.#moved = undefined;
  }

  rotateByCopy(): void {
    this.#shift();
    copyFileSync(this.path, `${this.path}.1`);
    this.touch(`${this.path}.1`);
    truncateSync(this.path);
    this.touch(this.path);
  }

  remove(): void {
    rmSync(this.path);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #shift(): void {
    const numbers = readdirSync(dirname(this.path))
      .filter((name) => `${dirname(this.path)}/${name}`.startsWith(`${this.path}.`))
      .map((name) => Number(name.slice(name.lastIndexOf('.') + 1)))
      .sort((a, b) => b - a);
    for (const number of numbers) renameSync(`${this.path}.${number}`, `${this.path}.${number + 1}`);
    if (this.#moved !== undefined) this.#moved = `${this.path}.${Number(this.#moved.slice(this.#moved.lastIndexOf('.') + 1)) + 1}`;
  }
}

/** What follows some files into a tree in memory. */
export class Following {
  readonly store: MemoryStore;
  readonly tree: LiveTree;
  readonly notices: string[] = [];
  readonly #patterns: readonly string[];
  readonly #target: string;
  readonly #intoDir: boolean;
  nowMs = 0;
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
      scanner: new EdgeScanner(this.store.edges),
      patterns: this.#patterns.map((pattern) => localPattern(octetsFromText(pattern))),
      target: this.#target as TreePath,
      intoDir: this.#intoDir,
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
    this.group.close();
    this.group = this.#make();
    await this.group.restore(marks, {});
  }

  async content(path: string): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const octets of this.tree.read(path as Octets)) parts.push(Buffer.from(octets));
    return Buffer.concat(parts);
  }
}
