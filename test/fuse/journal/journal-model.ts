import type { Random } from '../../support/random.ts';
import { FLAGS } from '../posix/checks.ts';
import type { FilesystemCaller } from '../posix/filesystem-caller.ts';
import type { Stat } from '../posix/system-calls.ts';
import type { JournaledTree } from './journaled-tree.ts';

const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;
const TYPE = 0o170000;
const DIR = 0o040000;
const MAX_SIZE = 100_000;

/** A file, with all that its content has been since it was durable, that included. */
interface FileModel {
  readonly kind: 'file';
  versions: Buffer[];
  mode: number;
  /** How many of the versions are older than the root that is under way. */
  beforeRoot: number;
}

type NodeModel = FileModel | { readonly kind: 'dir'; mode: number } | { readonly kind: 'link'; readonly target: string };

/** Names with their nodes and modes at one moment. */
type Names = ReadonlyMap<string, { readonly node: NodeModel; readonly mode: number }>;

/** What is on a journaled tree, and what has to be there after a kill. */
export class JournalModel {
  readonly #random: Random;
  #names = new Map<string, NodeModel>([['', { kind: 'dir', mode: 0o755 }]]);
  /** States of the names, one of which has to be there after a kill. */
  #durable: Names[] = [];
  /** States that a root has which is under way. */
  #root: Names[] | undefined;
  /** A later state than that of the root is durable. */
  #isKeptSinceRoot = false;
  did = 'nothing';

  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes the tree as it is: all of it is durable. @param others - names that nobody here touches */
  async read(tree: JournaledTree, others: readonly string[]): Promise<void> {
    this.#names = new Map();
    const byIno = new Map<number, NodeModel>();
    for (const [path, found] of await readAll(tree.caller)) {
      const known = byIno.get(found.stat.ino) ?? modelOf(found);
      byIno.set(found.stat.ino, known);
      this.#names.set(path, known);
    }
    for (const name of others) this.#names.delete(name);
    this.#durable = [this.#snapshot()];
  }

  rootBegins(): void {
    this.#root = [this.#snapshot()];
    this.#isKeptSinceRoot = false;
    for (const node of this.#names.values()) if (node.kind === 'file') node.beforeRoot = node.versions.length - 1;
  }

  /** The root is recorded: nothing can be lost that was before. */
  rootRecorded(isKnown = true): void {
    if (this.#root === undefined) return;
    if (!this.#isKeptSinceRoot) this.#durable = this.#root;
    this.#root = undefined;
    // Of a root that was recorded at the moment of a kill it is told by its names alone.
    if (!isKnown) return;
    for (const node of new Set(this.#names.values()))
      if (node.kind === 'file' && node.beforeRoot >= 0) {
        node.versions = node.versions.slice(node.beforeRoot);
        node.beforeRoot = -1;
      }
  }

  /** One operation at random, with the tree and here. */
  async step(tree: JournaledTree): Promise<void> {
    try {
      await this.#step(tree);
    } finally {
      // It was done before the root, or after it.
      if (this.#root?.length === 1) this.#root.push(this.#snapshot());
    }
  }

  /** What is not as it has to be after a kill. */
  async differences(tree: JournaledTree, others: readonly string[]): Promise<string[]> {
    const found = await readAll(tree.caller);
    for (const name of others) if (!found.delete(name)) return [`${name} of another session is not there`];
    const all = this.#durable.map((names) => differencesTo(names, found));
    return all.find((each) => each.length === 0) ?? all[0] ?? [];
  }

  #snapshot(): Names {
    return new Map([...this.#names].map(([path, node]) => [path, { node, mode: node.kind === 'link' ? 0 : node.mode }]));
  }

  #kept(): void {
    this.#durable = [this.#snapshot()];
    this.#isKeptSinceRoot = true;
  }

  async #step({ caller, live }: JournaledTree): Promise<void> {
    const random = this.#random;
    const dirs = this.#paths('dir');
    const files = this.#paths('file');
    const fresh = `${random.pick(dirs as [string, ...string[]])}/${random.pick(['a', 'b', 'c', 'd'])}${random.below(6)}`;
    const kind = random.below(100);
    const file = files.length === 0 ? undefined : random.pick(files as [string, ...string[]]);
    if (file === undefined || kind < 10) {
      await this.#create(caller, fresh);
    } else if (kind < 40) await this.#write(caller, file);
    else if (kind < 62) await this.#sync(caller, file);
    else if (kind < 66) {
      this.did = 'fsync of the top Dir';
      await live.filesystem.fsyncdir(1, 0);
      this.#kept();
    } else if (kind < 76) await this.#rename(caller, random.chance(75) ? file : random.pick(dirs as [string, ...string[]]), fresh);
    else if (kind < 80) await this.#link(caller, file, fresh);
    else if (kind < 87) {
      this.did = `unlink ${file}`;
      await caller.call('unlink', file.slice(1));
      this.#names.delete(file);
    } else if (kind < 91) await this.#make(caller, fresh);
    else if (kind < 93) await this.#removeDir(caller);
    else {
      const path = random.chance(70) ? file : random.pick(dirs as [string, ...string[]]);
      const mode = 0o600 + random.below(0o100);
      const node = this.#names.get(path);
      this.did = `chmod ${path}`;
      if (path === '' || node === undefined || node.kind === 'link') return;
      await caller.call('chmod', path.slice(1), mode);
      node.mode = mode;
    }
  }

  #paths(kind: NodeModel['kind']): string[] {
    return [...this.#names].filter(([, node]) => node.kind === kind).map(([path]) => path);
  }

  async #create(caller: FilesystemCaller, path: string): Promise<void> {
    if (this.#names.has(path)) return;
    this.did = `create ${path}`;
    const fd = await caller.call('open', path.slice(1), FLAGS.O_CREAT | FLAGS.O_EXCL | FLAGS.O_RDWR, 0o644);
    const data = this.#random.bytes(this.#random.below(30_000));
    const node: FileModel = { kind: 'file', versions: [Buffer.alloc(0)], mode: 0o644, beforeRoot: -1 };
    this.#names.set(path, node);
    await this.#change(node, data, async () => void (await caller.call('pwrite', fd, data.toString('latin1'), 0)));
    await caller.call('close', fd);
  }

  /** What is stored while a call is under way is a version as good as the next. */
  async #change(node: FileModel, next: Buffer, call: () => Promise<void>): Promise<void> {
    node.versions.push(next);
    await call();
  }

  async #write(caller: FilesystemCaller, path: string): Promise<void> {
    const node = this.#file(path);
    const random = this.#random;
    const fd = await caller.call('open', path.slice(1), FLAGS.O_RDWR);
    for (let i = 0; i <= random.below(3); i++) {
      const now = node.versions.at(-1) ?? Buffer.alloc(0);
      const at = random.below(MAX_SIZE);
      const kind = random.below(10);
      if (kind < 7) {
        const start = kind < 5 ? Math.min(at, now.length) : at;
        const data = random.bytes(1 + random.below(9000));
        const next = Buffer.alloc(Math.max(now.length, start + data.length));
        now.copy(next);
        data.copy(next, start);
        this.did = `write ${path} ${start}+${data.length}`;
        await this.#change(node, next, async () => void (await caller.call('pwrite', fd, data.toString('latin1'), start)));
      } else if (kind < 9) {
        const next = Buffer.alloc(at);
        now.copy(next);
        this.did = `truncate ${path} to ${at}`;
        await this.#change(node, next, async () => await caller.call('ftruncate', fd, at));
      } else {
        const next = Buffer.from(now);
        const end = at + random.below(9000);
        next.fill(0, Math.min(at, next.length), Math.min(end, next.length));
        this.did = `punch ${path} ${at}-${end}`;
        await this.#change(node, next, async () => await caller.call('fallocate', fd, PUNCH_HOLE | KEEP_SIZE, at, end - at + 1));
        if (end < next.length) next[end] = 0;
      }
    }
    if (random.chance(30)) await this.#syncOpen(caller, fd, path);
    await caller.call('close', fd);
  }

  async #sync(caller: FilesystemCaller, path: string): Promise<void> {
    const fd = await caller.call('open', path.slice(1), FLAGS.O_RDWR);
    await this.#syncOpen(caller, fd, path);
    await caller.call('close', fd);
  }

  async #syncOpen(caller: FilesystemCaller, fd: number, path: string): Promise<void> {
    this.did = `fsync ${path}`;
    await caller.call('fsync', fd);
    const node = this.#file(path);
    node.versions = node.versions.slice(-1);
    node.beforeRoot = -1;
    this.#kept();
  }

  async #rename(caller: FilesystemCaller, from: string, to: string): Promise<void> {
    const [source, target] = [this.#names.get(from), this.#names.get(to)];
    if (from === '' || from === to || to.startsWith(`${from}/`) || source === undefined) return;
    if (target !== undefined && (target === source || source.kind === 'dir' || target.kind === 'dir')) return;
    this.did = `rename ${from} to ${to}`;
    await caller.call('rename', from.slice(1), to.slice(1));
    for (const [path, node] of [...this.#names]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.#names.delete(path);
      this.#names.set(`${to}${path.slice(from.length)}`, node);
    }
  }

  async #link(caller: FilesystemCaller, from: string, to: string): Promise<void> {
    const node = this.#names.get(from);
    if (this.#names.has(to) || node === undefined) return;
    this.did = `link ${from} to ${to}`;
    await caller.call('link', from.slice(1), to.slice(1));
    this.#names.set(to, node);
  }

  async #make(caller: FilesystemCaller, path: string): Promise<void> {
    if (this.#names.has(path)) return;
    const isDir = this.#random.chance(60);
    this.did = `make ${path}`;
    if (isDir) await caller.call('mkdir', path.slice(1), 0o755);
    else await caller.call('symlink', `target of ${path}`, path.slice(1));
    this.#names.set(path, isDir ? { kind: 'dir', mode: 0o755 } : { kind: 'link', target: `target of ${path}` });
  }

  async #removeDir(caller: FilesystemCaller): Promise<void> {
    const empty = this.#paths('dir').filter((dir) => dir !== '' && ![...this.#names.keys()].some((path) => path.startsWith(`${dir}/`)));
    const [dir] = empty;
    if (dir === undefined) return;
    this.did = `rmdir ${dir}`;
    await caller.call('rmdir', dir.slice(1));
    this.#names.delete(dir);
  }

  #file(path: string): FileModel {
    const node = this.#names.get(path);
    if (node?.kind !== 'file') throw new Error(`${path} is no file`);
    return node;
  }
}

interface Found {
  readonly stat: Stat;
  /** Of a file its content, of a symlink its target. */
  readonly content: Buffer | undefined;
}

async function readAll(caller: FilesystemCaller): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  const visit = async (path: string): Promise<void> => {
    const at = path === '' ? '.' : path.slice(1);
    const stat = await caller.call('lstat', at);
    const type = stat.mode & TYPE;
    found.set(path, { stat, content: type === DIR ? undefined : await contentAt(caller, at, stat) });
    if (type !== DIR) return;
    const fd = await caller.call('open', at, FLAGS.O_RDONLY);
    const names: string[] = [];
    for (let part = await caller.call('getdents', fd, 4096); part.length > 0; part = await caller.call('getdents', fd, 4096))
      names.push(...part.map(({ name }) => name));
    await caller.call('close', fd);
    for (const name of names) if (name !== '.' && name !== '..') await visit(`${path}/${name}`);
  };
  await visit('');
  return found;
}

async function contentAt(caller: FilesystemCaller, path: string, { mode, size }: Stat): Promise<Buffer> {
  if ((mode & TYPE) === 0o120000) return Buffer.from(await caller.call('readlink', path), 'latin1');
  const fd = await caller.call('open', path, FLAGS.O_RDONLY);
  const text = await caller.call('pread', fd, size + 1, 0);
  await caller.call('close', fd);
  return Buffer.from(text, 'latin1');
}

function modelOf({ stat, content }: Found): NodeModel {
  const mode = stat.mode & 0o7777;
  if (content === undefined) return { kind: 'dir', mode };
  if ((stat.mode & TYPE) === 0o120000) return { kind: 'link', target: content.toString('latin1') };
  return { kind: 'file', mode, versions: [content], beforeRoot: -1 };
}

function differencesTo(names: Names, found: ReadonlyMap<string, Found>): string[] {
  const differences: string[] = [];
  for (const path of found.keys()) if (!names.has(path)) differences.push(`${path} is there`);
  const inos = new Map<NodeModel, number>();
  for (const [path, { node, mode }] of names) {
    const there = found.get(path);
    if (there === undefined) {
      differences.push(`${path} is not there`);
      continue;
    }
    const { stat, content } = there;
    if (node.kind !== 'link' && (stat.mode & 0o7777) !== mode)
      differences.push(`${path} has mode ${(stat.mode & 0o7777).toString(8)}, not ${mode.toString(8)}`);
    if (node.kind === 'link' && content?.toString('latin1') !== node.target) differences.push(`${path} leads elsewhere`);
    if (node.kind !== 'file') continue;
    if ((inos.get(node) ?? stat.ino) !== stat.ino) differences.push(`${path} is another node than its other name`);
    inos.set(node, stat.ino);
    const fault = content === undefined ? 'is a Dir' : contentFault(node.versions, content);
    if (fault !== undefined) differences.push(`${path} ${fault}`);
  }
  return differences;
}

/** Octet by octet the content is that of some version, and so is its size. */
function contentFault(versions: readonly Buffer[], content: Buffer): string | undefined {
  if (!versions.some(({ length }) => length === content.length))
    return `has ${content.length} octets, not ${versions.map(({ length }) => length).join(' or ')}`;
  const at = content.findIndex((octet, i) => !versions.some((version) => (version[i] ?? 0) === octet));
  return at < 0 ? undefined : `is another at ${at} of ${content.length}, of ${versions.length} versions`;
}
