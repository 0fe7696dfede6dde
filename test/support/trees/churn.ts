import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { run } from '../program.ts';
import type { Random } from '../random.ts';

/** Names of a tree that is churned: few, so that they meet; some are not UTF-8, and one holds a newline. */
const NAMES = ['a', 'b', 'c', 'd.log', 'e-1', 'dir', 'f\xff', 'new\nline', '\xc3\xa4'] as const;

/** Directories below each other. */
const MAX_DEPTH = 4;

/** Octets of a file at most. */
const MAX_SIZE = 30_000;

/** Something that is done to a tree. */
type Operation = (tree: Churn) => void | Promise<void>;

/** A local tree, and random things that are done to it: whatever mv, ln, chmod, an editor, or a logger does. */
export class Churn {
  readonly folder: string;
  readonly #random: Random;
  /** Those that the present step has asked for. */
  #paths: string[] = [];

  constructor(folder: string, random: Random) {
    this.folder = folder;
    this.#random = random;
  }

  /** Does one thing. @returns what it was, and to which paths; undefined where it could not be */
  async step(): Promise<{ readonly name: string; readonly paths: readonly string[] } | undefined> {
    const [name, act] = this.#random.pick(OPERATIONS);
    this.#paths = [];
    try {
      await act(this);
      return { name, paths: this.#paths };
    } catch (error) {
      // A name that is taken, a directory into itself, a file in the way: nothing happened.
      if (error instanceof Error && 'code' in error) return undefined;
      throw error;
    }
  }

  /** A path at random, that may be there. */
  path(): Buffer {
    const path = this.#anyPath();
    this.#paths.push(path.toString('latin1').slice(this.folder.length + 1));
    return path;
  }

  #anyPath(): Buffer {
    let path = this.folder;
    for (let depth = this.#random.below(MAX_DEPTH); depth > 0; depth--) {
      const directories = readdirSync(Buffer.from(path, 'latin1'), { encoding: 'latin1', withFileTypes: true }).filter((each) =>
        each.isDirectory(),
      );
      const found = directories[this.#random.below(directories.length)];
      if (found === undefined) break;
      path = `${path}/${found.name}`;
    }
    return Buffer.from(`${path}/${this.#random.pick(NAMES)}`, 'latin1');
  }

  /** One that is there, of some that are tried. */
  present(): Buffer {
    for (let tries = 0; tries < 20; tries++) {
      const path = this.#anyPath();
      if (lstatSync(path, { throwIfNoEntry: false }) === undefined) continue;
      this.#paths.push(path.toString('latin1').slice(this.folder.length + 1));
      return path;
    }
    return this.path();
  }

  /** A path whose content can be written: the opening of a FIFO would wait. */
  content(path: Buffer): Buffer {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || stat.isFile()) return path;
    throw Object.assign(new Error('no regular file'), { code: 'EINVAL' });
  }

  bytes(): Buffer {
    return this.#random.bytes(this.#random.below(MAX_SIZE));
  }

  below(limit: number): number {
    return this.#random.below(limit);
  }
}

const OPERATIONS = [
  ['write', (tree) => writeFileSync(tree.content(tree.path()), tree.bytes())],
  ['write', (tree) => writeFileSync(tree.content(tree.path()), tree.bytes())],
  ['append', (tree) => appendFileSync(tree.content(tree.present()), tree.bytes())],
  ['append', (tree) => appendFileSync(tree.content(tree.present()), tree.bytes())],
  ['truncate', (tree) => truncateSync(tree.content(tree.present()), tree.below(MAX_SIZE))],
  ['mkdir', (tree) => mkdirSync(tree.path())],
  ['mkdir', (tree) => mkdirSync(tree.path())],
  ['mkdir -p', (tree) => void mkdirSync(Buffer.concat([tree.path(), Buffer.from('/deep/er')]), { recursive: true })],
  ['ln -s, dangling', (tree) => symlinkSync(`nowhere-${tree.below(9)}`, tree.path())],
  ['ln -s', (tree) => symlinkSync(tree.present(), tree.path())],
  ['ln -sfn', (tree) => retarget(tree, Buffer.from(`gone-${tree.below(9)}`))],
  ['ln -sfn', (tree) => retarget(tree, tree.present())],
  ['ln', (tree) => linkSync(tree.present(), tree.path())],
  ['mv', (tree) => renameSync(tree.present(), tree.path())],
  ['mv', (tree) => renameSync(tree.present(), tree.path())],
  ['mv', (tree) => renameSync(tree.present(), tree.path())],
  ['chmod', (tree) => chmodOf(tree.present(), tree.below(0o1000))],
  ['chmod', (tree) => chmodOf(tree.present(), tree.below(0o1000))],
  ['touch -d', (tree) => lutimesSync(tree.present(), 1_700_000_000, 1_700_000_000 + tree.below(1000))],
  ['rm -r', (tree) => rmSync(tree.present(), { recursive: true })],
  ['rm', (tree) => rmSync(tree.present())],
  ['rm', (tree) => rmSync(tree.present())],
  ['swapped for a symlink', (tree) => swap(tree)],
  ['mkfifo', async (tree) => await mkfifo(tree.path())],
] as const satisfies readonly (readonly [string, Operation])[];

/** A symlink turned elsewhere, at once. */
function retarget(tree: Churn, target: Buffer): void {
  const path = tree.present();
  const beside = Buffer.concat([path, Buffer.from('.new')]);
  symlinkSync(target, beside);
  try {
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside);
    throw error;
  }
}

/** What is there is put aside, and a symlink to a directory takes its name. */
function swap(tree: Churn): void {
  const path = tree.present();
  renameSync(path, Buffer.concat([path, Buffer.from('.aside')]));
  symlinkSync('/etc', path);
}

/** Of a node itself, and so that whoever is not root may still read it. */
function chmodOf(path: Buffer, mode: number): void {
  if (lstatSync(path).isSymbolicLink()) return;
  chmodSync(path, mode | 0o700);
}

async function mkfifo(path: Buffer): Promise<void> {
  // Octets cannot go through arguments of Node's: the shell makes them.
  await run('sh', [
    '-c',
    `mkfifo "$(printf '${[...path].map((octet) => `\\${octet.toString(8).padStart(3, '0')}`).join('')}')" 2>/dev/null`,
  ]);
}
