import { CorruptBlockError, ParseError, throwIfCancelled, VtError } from '../base/errors.ts';
import { EventTurns } from '../base/event-turns.ts';
import type { Octets } from '../base/octets.ts';
import type { Block, IndirectBlock } from '../block/block.ts';
import type { BlockSource } from '../block/block-source.ts';
import { DigestTable } from '../block/digest-table.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { readBlockBytes } from '../block/read-range.ts';
import { MAX_TREE_DEPTH, readSuperblock } from '../block/tree-walk.ts';
import { decodePythonDir, decodeRecords, NameOrder } from '../dirent/dir-records.ts';
import type { DirDirent, Dirent } from '../dirent/dirent.ts';
import { decodeDirent } from '../dirent/dirent-codec.ts';
import { startsPythonDirent } from '../dirent/python-vt/dirent.ts';
import type { Store } from '../store/store.ts';
import type { TreePath } from '../tree/path.ts';
import { joinPath, ROOT_PATH } from '../tree/path.ts';

/** The fault of a needed Block. */
export type BlockFault = 'missing' | 'damaged' | 'unreadable';

/** A path that is harmed by a faulty Block. */
export interface Harm {
  readonly path: TreePath;
  /** The Block; undefined if the reference itself holds the unreadable bytes. */
  readonly hashcode: HashCode | undefined;
  readonly fault: BlockFault;
  /** Whether the Block lists others or entries: everything below it is then unknown. */
  readonly isInner: boolean;
  readonly reason: string | undefined;
  /** The bytes match their hash but violate the format, so no copy can help. */
  readonly isMalformed?: boolean;
}

/** The callbacks of a walk. */
export interface ReachHooks {
  /** Called with each content Block, unread; returns its fault, if any. A shared Block may come several times. */
  readonly leaf: (hashcode: HashCode) => BlockFault | undefined;
  /** Called with each Block that lists others or entries, after it was read. */
  readonly inner: (hashcode: HashCode) => void;
  readonly harm: (harm: Harm) => void;
  readonly signal?: AbortSignal | undefined;
}

const CLEAN = 1;
const HARMED = 2;
/** Reported paths, after which the other paths of shared damage are no longer searched. */
const MAX_HARMS = 10_000;

/** An entry of a Dir that is cut in two by the end of a Block. */
interface Carry {
  octets: Uint8Array | undefined;
  isStart: boolean;
  /** Whether it is a Dir of the Python vt, which is read completely at its first Block. */
  isPython: boolean;
}

/**
 * Walks everything that roots reach: Dirs, tables of hard links, earlier states, superblocks. Every inner Block is read once, however many
 * roots share it; contents are not read. Memory: about 40 bytes per inner Block.
 */
export class Reach {
  readonly #source: BlockSource;
  readonly #hooks: ReachHooks;
  readonly #hashName: Store['hashName'];
  readonly #superblocks: DigestTable;
  readonly #dirSuperblocks: DigestTable;
  readonly #dirLeaves: DigestTable;
  readonly #dirents: DigestTable;
  readonly #turns = new EventTurns();
  #harms = 0;
  /** Harms to a hard-linked node whose names are not known yet. */
  #keepingBack: Harm[] | undefined;
  /** Dirs entered so far. `entries`: entries found. */
  dirs = 0;
  entries = 0;

  constructor(source: Pick<Store, 'get' | 'name' | 'hashName'>, hooks: ReachHooks) {
    this.#source = source;
    this.#hooks = hooks;
    this.#hashName = source.hashName;
    const size = hashByName(source.hashName).digestSize;
    this.#superblocks = new DigestTable(size);
    this.#dirSuperblocks = new DigestTable(size);
    this.#dirLeaves = new DigestTable(size);
    this.#dirents = new DigestTable(size);
  }

  /** The number of known inner Blocks. */
  get innerBlocks(): number {
    return this.#superblocks.count + this.#dirSuperblocks.count + this.#dirLeaves.count + this.#dirents.count;
  }

  /**
   * Walks everything that a Dirent reaches.
   *
   * @param path - its path, for reports
   * @returns whether there is a fault
   */
  async walk(dirent: Dirent, path: TreePath = ROOT_PATH): Promise<boolean> {
    const harmed = this.#entry(dirent, path);
    return harmed instanceof Promise ? await harmed : harmed;
  }

  // Most entries are files of one Block: avoid a promise for them.
  #entry(dirent: Dirent, path: TreePath): boolean | Promise<boolean> {
    this.entries++;
    if (dirent.prev === undefined && dirent.kind === 'file') return this.#content(dirent.block, path, 0);
    if (dirent.prev === undefined && dirent.kind !== 'dir') return false;
    return this.#entryWith(dirent, path);
  }

  async #entryWith(dirent: Dirent, path: TreePath): Promise<boolean> {
    let harmed = false;
    if (dirent.kind === 'file') harmed = await this.#content(dirent.block, path, 0);
    if (dirent.kind === 'dir') {
      harmed = await this.#dir(dirent, dirent.block, path);
      if (dirent.inodes !== undefined) harmed = (await this.#table(dirent, dirent.inodes, path)) || harmed;
    }
    if (dirent.prev !== undefined) harmed = (await this.#previous(dirent.prev, path)) || harmed;
    return harmed;
  }

  // Of contents only superblocks are read.
  #content(block: Block, path: TreePath, depth: number): boolean | Promise<boolean> {
    switch (block.kind) {
      case 'literal':
      case 'run':
        return false;
      case 'sub':
        return depth > MAX_TREE_DEPTH ? false : this.#content(block.base, path, depth + 1);
      case 'hash':
        return this.#leaf(block.hashcode, path);
      case 'indirect':
        return this.#superblock(block, path, depth, this.#superblocks, (child) => this.#content(child, path, depth + 1));
    }
  }

  #leaf(hashcode: HashCode, path: TreePath): boolean {
    const fault = hashcode.hashName === this.#hashName ? this.#hooks.leaf(hashcode) : 'missing';
    if (fault === undefined) return false;
    this.#tell({ path, hashcode, fault, isInner: false, reason: undefined });
    return true;
  }

  async #superblock(
    block: IndirectBlock,
    path: TreePath,
    depth: number,
    known: DigestTable,
    visit: (child: Block) => boolean | Promise<boolean>,
    isWhole: () => boolean = () => true,
  ): Promise<boolean> {
    const { refs } = block;
    const digest = refs.kind === 'hash' && refs.hashcode.hashName === this.#hashName ? refs.hashcode.digest : undefined;
    if (digest !== undefined && isWhole()) {
      const state = known.get(digest);
      if (state === CLEAN || (state === HARMED && this.#harms >= MAX_HARMS)) return state === HARMED;
    }
    await this.#turns.next(this.#hooks.signal);
    throwIfCancelled(this.#hooks.signal);
    if (depth > MAX_TREE_DEPTH) return this.#fault(block, path, new CorruptBlockError('', '', 'nested too deep'));
    const startsWhole = isWhole();
    let children: Block[];
    try {
      children = await readSuperblock(this.#source, block, this.#hooks.signal);
    } catch (error) {
      return this.#fault(block, path, error);
    }
    if (refs.kind === 'hash') this.#hooks.inner(refs.hashcode);
    let harmed = false;
    for (const child of children) {
      const step = visit(child);
      if (step instanceof Promise ? await step : step) harmed = true;
    }
    if (digest !== undefined && startsWhole && isWhole()) known.set(digest, harmed ? HARMED : CLEAN);
    return harmed;
  }

  async #dir(dirent: DirDirent, block: Block, path: TreePath, entry = (child: Dirent) => this.#child(child, path)): Promise<boolean> {
    this.dirs++;
    const carry: Carry = { octets: undefined, isStart: true, isPython: false };
    const harmed = await this.#dirPart(dirent, block, path, 0, carry, entry);
    if (carry.octets === undefined || harmed) return harmed;
    return this.#fault(block, path, new ParseError('decode Dir: it ends inside an entry', carry.octets.length));
  }

  #child(child: Dirent, path: TreePath): boolean | Promise<boolean> {
    return this.#entry(child, joinPath(path, child.name));
  }

  async #dirPart(
    dirent: DirDirent,
    block: Block,
    path: TreePath,
    depth: number,
    carry: Carry,
    entry: (child: Dirent) => boolean | Promise<boolean>,
  ): Promise<boolean> {
    if (block.kind === 'indirect') {
      return await this.#superblock(
        block,
        path,
        depth,
        this.#dirSuperblocks,
        (child) => this.#dirPart(dirent, child, path, depth + 1, carry, entry),
        () => carry.octets === undefined,
      );
    }
    const digest = block.kind === 'hash' && carry.octets === undefined ? block.hashcode.digest : undefined;
    if (digest !== undefined) {
      const state = this.#dirLeaves.get(digest);
      if (state === CLEAN || (state === HARMED && this.#harms >= MAX_HARMS)) {
        carry.isStart = false;
        return state === HARMED;
      }
    }
    await this.#turns.next(this.#hooks.signal);
    throwIfCancelled(this.#hooks.signal);
    const entries: Dirent[] = [];
    try {
      await this.#dirEntries(dirent, block, carry, entries);
    } catch (error) {
      // The entries before the fault can be read.
      for (const child of entries) await entry(child);
      carry.octets = undefined;
      return this.#fault(block, path, error);
    }
    if (block.kind === 'hash') this.#hooks.inner(block.hashcode);
    let harmed = block.kind === 'sub' ? await this.#content(block, path, depth) : false;
    for (const child of entries) {
      const step = entry(child);
      if (step instanceof Promise ? await step : step) harmed = true;
    }
    if (digest !== undefined && carry.octets === undefined) this.#dirLeaves.set(digest, harmed ? HARMED : CLEAN);
    return harmed;
  }

  async #dirEntries(dirent: DirDirent, block: Block, carry: Carry, entries: Dirent[]): Promise<void> {
    const { signal } = this.#hooks;
    const octets = await readBlockBytes(this.#source, block, { signal });
    const { isStart } = carry;
    carry.isStart = false;
    if (carry.isPython) return;
    if (isStart && startsPythonDirent(octets, 0)) {
      carry.isPython = true;
      for (const child of decodePythonDir(await readBlockBytes(this.#source, dirent.block, { signal }))) entries.push(child);
      return;
    }
    const data = carry.octets === undefined ? octets : Buffer.concat([carry.octets, octets]);
    const { next } = decodeRecords(data, entries, new NameOrder(), 0);
    carry.octets = next === data.length ? undefined : Uint8Array.from(data.subarray(next));
  }

  /** Walks the table of hard-linked nodes. Harm to a node is reported under each of its names. */
  async #table(dirent: DirDirent, inodes: Block, path: TreePath): Promise<boolean> {
    const harmedNodes = new Map<string, Harm[]>();
    const told = this.#hooks;
    const collect: Harm[] = [];
    const harmed = await this.#dir({ ...dirent, block: inodes }, inodes, path, async (node) => {
      // Hold back harm to the node's content until its names are known.
      this.#keepingBack = collect;
      try {
        const bad = await this.#entry(node, joinPath(path, node.name));
        if (bad) harmedNodes.set(node.name, collect.splice(0));
        return bad;
      } finally {
        this.#keepingBack = undefined;
        collect.length = 0;
      }
    });
    if (harmedNodes.size === 0) return harmed;
    const named = new Set<string>();
    for await (const name of linkNames(this.#source, dirent.block, path, told.signal)) {
      for (const harm of harmedNodes.get(name.uuid) ?? []) this.#tell({ ...harm, path: name.path });
      named.add(name.uuid);
    }
    for (const [uuid, harms] of harmedNodes) if (!named.has(uuid)) for (const harm of harms) this.#tell(harm);
    return harmed;
  }

  async #previous(block: Block, path: TreePath): Promise<boolean> {
    let harmed = false;
    let at: Block | undefined = block;
    while (at !== undefined) {
      const digest: Uint8Array | undefined = at.kind === 'hash' ? at.hashcode.digest : undefined;
      const state = digest === undefined ? 0 : this.#dirents.get(digest);
      if (state !== 0) return state === HARMED || harmed;
      let dirent: Dirent;
      await this.#turns.next(this.#hooks.signal);
      try {
        dirent = decodeDirent(await readBlockBytes(this.#source, at, { signal: this.#hooks.signal }), 0).value;
      } catch (error) {
        return this.#fault(at, path, error);
      }
      if (at.kind === 'hash') this.#hooks.inner(at.hashcode);
      else await this.#content(at, path, 0);
      const { prev, ...own }: Dirent = dirent;
      const bad: boolean = await this.walk(own, path);
      if (digest !== undefined) this.#dirents.set(digest, bad ? HARMED : CLEAN);
      harmed = bad || harmed;
      at = prev;
    }
    return harmed;
  }

  #fault(block: Block, path: TreePath, error: unknown): true {
    if (!(error instanceof VtError) || error.code === 'ECANCELLED' || error.code === 'EFAILED' || error.code === 'ECLOSED') throw error;
    const hashcode = hashcodeOfBlock(block);
    const fault =
      error.code === 'EMISSING' ? 'missing' : error instanceof CorruptBlockError && error.hashcode !== '' ? 'damaged' : 'unreadable';
    this.#tell({
      path,
      hashcode,
      fault,
      isInner: true,
      reason: error.message,
      ...(error instanceof ParseError ? { isMalformed: true } : {}),
    });
    return true;
  }

  #tell(harm: Harm): void {
    if (this.#keepingBack !== undefined) {
      this.#keepingBack.push(harm);
      return;
    }
    this.#harms++;
    this.#hooks.harm(harm);
  }
}

function hashcodeOfBlock(block: Block): HashCode | undefined {
  switch (block.kind) {
    case 'hash':
      return block.hashcode;
    case 'indirect':
      return hashcodeOfBlock(block.refs);
    case 'sub':
      return hashcodeOfBlock(block.base);
    default:
      return undefined;
  }
}

/** The names of hard links below a Dir, as far as the Dir can be read. */
async function* linkNames(
  source: BlockSource,
  block: Block,
  path: TreePath,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly uuid: string; readonly path: TreePath }> {
  const { walkDirent } = await import('../tree/walk.ts');
  const top: Dirent = { kind: 'dir', name: '' as Octets, meta: {}, block };
  const seen = new Map<string, string>();
  // Without its table each name is dangling; the walk reports that with the uuid.
  for await (const item of walkDirent(source, top, { signal, path, damage: true })) {
    const uuid = item.kind === 'damage' ? / node ([0-9a-f-]{36})$/.exec(item.error.message)?.[1] : undefined;
    if (uuid === undefined || seen.get(item.path) === uuid) continue;
    seen.set(item.path, uuid);
    yield { uuid, path: item.path };
  }
}
