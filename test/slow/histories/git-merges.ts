import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Octets } from '../../../core/base/octets.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import { mergeTrees } from '../../../core/tree/merge/merge-trees.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { treeLines } from '../../support/trees/tree-lines.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';

/** Merges of random trees beside `git merge-tree`. */
export const gitMergesTorture: Torture = {
  name: 'git-merges',
  does: 'merges of two random changes (edits, renames of files and Dirs, removals, additions) of a tree, compared with git merge-tree',
  promise: 'where git finds no conflict there is none, and the trees are equal; vt(7) lists the conflicts of git only',
  fullRounds: 2000,
  unable: () => (canGit() ? undefined : 'git merge-tree --write-tree is not there (git 2.38)'),
  run,
};

/** Paths to contents: one line each, so that whatever both changed is in conflict for git too. */
type Files = Map<string, string>;

function canGit(): boolean {
  try {
    return (
      Number(
        /(\d+)\.(\d+)/
          .exec(execFileSync('git', ['--version'], { encoding: 'utf8' }))
          ?.slice(1)
          .map((part) => part.padStart(3, '0'))
          .join(''),
      ) >= 2038
    );
  } catch {
    return false;
  }
}

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  const git = new GitTrees(join(limits.folder, 'repository'));
  for (let number = 0; tally.goesOn; number++) {
    const random = makeRandom(limits.seed + number);
    const base: Files = new Map();
    for (const dir of ['', 'd/', 'd/e/', 'g/']) for (let i = 0; i < 3; i++) base.set(`${dir}${i}`, lineOf(random));
    const [ours, theirs] = [changed(base, random), changed(base, random)];
    const [mine, other] = await Promise.all([mergedHere(base, ours.files, theirs.files), git.merge(base, ours.files, theirs.files)]);
    const told = `\n  ours: ${ours.told.join('; ')}\n  theirs: ${theirs.told.join('; ')}`;
    if (mine === undefined || other === undefined) {
      if (mine === undefined && other !== undefined) tally.fault(`in conflict here alone${told}`);
      tally.count(mine === other ? 'in conflict for both' : mine === undefined ? 'in conflict here alone' : 'in conflict for git alone');
      continue;
    }
    const [one, two] = [mine, other].map((files) =>
      [...files]
        .sort()
        .map(([path, text]) => `${path}=${text}`)
        .join(' '),
    );
    if (one !== two) tally.fault(`${one}\n  git: ${two}${told}`);
    tally.count('equal');
  }
  rmSync(join(limits.folder, 'repository'), { recursive: true, force: true });
  return tally.result();
}

/** Long enough that two of them are never alike. */
function lineOf(random: Random): string {
  return random.bytes(24).toString('hex');
}

function changed(base: Files, random: Random): { readonly files: Files; readonly told: string[] } {
  const files = new Map(base);
  const told: string[] = [];
  for (let i = 1 + random.below(3); i > 0; i--) {
    const path = random.pick([...files.keys()] as [string, ...string[]]);
    const roll = random.below(100);
    if (roll < 35) {
      files.set(path, lineOf(random));
      told.push(`edit ${path}`);
    } else if (roll < 50 && files.size > 1) {
      files.delete(path);
      told.push(`remove ${path}`);
    } else if (roll < 70) {
      const dir = random.pick(['', 'd/', 'g/', 'n/']);
      const name = `${dir}new${random.below(1000)}`;
      files.set(name, lineOf(random));
      told.push(`add ${name}`);
    } else if (roll < 88) {
      const name = `${dirname(path) === '.' ? '' : `${dirname(path)}/`}moved${random.below(1000)}`;
      files.set(name, files.get(path) ?? '');
      files.delete(path);
      told.push(`rename ${path} ${name}`);
    } else {
      const [from, to] = [random.pick(['d/', 'd/e/', 'g/']), `dir${random.below(1000)}/`];
      for (const [name, text] of [...files]) {
        if (!name.startsWith(from)) continue;
        files.delete(name);
        files.set(`${to}${name.slice(from.length)}`, text);
      }
      told.push(`rename ${from} ${to}`);
    }
  }
  return { files, told };
}

/** The merged files; undefined where there is a conflict. */
async function mergedHere(base: Files, ours: Files, theirs: Files): Promise<Files | undefined> {
  const store = new MemoryStore();
  const { dirent, conflicts } = await mergeTrees(store, await treeOf(store, base), await treeOf(store, ours), await treeOf(store, theirs), {
    now: new Date(0),
  });
  if (conflicts.length > 0) return undefined;
  await using tree = openLiveTree(store, dirent);
  const files: Files = new Map();
  for (const line of await treeLines(tree)) {
    const [, path = '', text = ''] = /^file \d* \/(\S+) "(.*)" \d+ \S*$/.exec(line) ?? [];
    if (path !== '') files.set(path, text);
  }
  return files;
}

async function treeOf(store: MemoryStore, files: Files): Promise<DirDirent> {
  await using tree = openLiveTree(store, undefined);
  for (const [path, text] of [...files].sort()) {
    const parts = path.split('/').slice(0, -1);
    for (let i = 1; i <= parts.length; i++) {
      const dir = `/${parts.slice(0, i).join('/')}` as TreePath;
      if ((await tree.lookup(dir)) === undefined) await tree.mkdir(dir, {});
    }
    const data = Buffer.from(text);
    await tree.bind(`/${path}` as TreePath, {
      kind: 'file',
      name: '' as Octets,
      meta: {},
      block: { kind: 'literal', span: data.length, data },
    });
  }
  const root = await tree.sync();
  if (root.kind !== 'dir') throw new Error('the root is no Dir');
  return root;
}

/** A repository that merges trees. */
class GitTrees {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    this.#git('init', '-q');
  }

  async merge(base: Files, ours: Files, theirs: Files): Promise<Files | undefined> {
    await Promise.resolve();
    const parent = this.#commit(base);
    const [one, two] = [this.#commit(ours, parent), this.#commit(theirs, parent)];
    let tree: string;
    try {
      tree = this.#git('merge-tree', '--write-tree', one, two).split('\n')[0] ?? '';
    } catch {
      return undefined;
    }
    const files: Files = new Map();
    for (const line of this.#git('ls-tree', '-r', tree).trim().split('\n')) {
      const [, hash = '', path = ''] = /^\d+ blob (\w+)\t(.*)$/.exec(line) ?? [];
      files.set(path, this.#git('cat-file', 'blob', hash).trim());
    }
    return files;
  }

  #commit(files: Files, parent?: string): string {
    rmSync(join(this.#folder, 'work'), { recursive: true, force: true });
    mkdirSync(join(this.#folder, 'work'));
    for (const [path, text] of files) {
      const file = join(this.#folder, 'work', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${text}\n`);
    }
    this.#git('read-tree', '--empty');
    this.#git('--work-tree=work', 'add', '-A', '--', ':/');
    const tree = this.#git('write-tree').trim();
    return this.#git('commit-tree', '-m', 'state', ...(parent === undefined ? [] : ['-p', parent]), tree).trim();
  }

  #git(...args: readonly string[]): string {
    const who = {
      GIT_AUTHOR_NAME: 'a',
      GIT_AUTHOR_EMAIL: 'a@a',
      GIT_COMMITTER_NAME: 'a',
      GIT_COMMITTER_EMAIL: 'a@a',
      GIT_CONFIG_GLOBAL: '/dev/null',
    };
    return execFileSync('git', [...args], {
      cwd: this.#folder,
      encoding: 'utf8',
      env: { ...process.env, ...who },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }
}
