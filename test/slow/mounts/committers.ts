import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { isInstalled } from '../../support/needed-programs.ts';
import { PROJECT_ROOT } from '../../support/project.ts';

/** A program that commits numbers, 1 and up, each in a transaction, and says so once it is told that it is durable. */
export interface Committer {
  readonly name: string;
  /** A shell line that goes on from the number in $FROM, until it is killed or fails, and prints each number that is committed. */
  readonly work: string;
  /** A shell line that prints the last number that is there, and fails where what is there is not whole. */
  readonly check: string;
  /** Why it cannot run here. */
  readonly unable: string | undefined;
}

const SCRIPT = join(PROJECT_ROOT, 'test/support/mounts/committer.py');

function database(
  name: string,
  words: string,
  { python = 'python3', unable }: { readonly python?: string | undefined; readonly unable?: string | undefined } = {},
): Committer {
  const run = `${python} ${SCRIPT} ${words}`;
  return { name, work: `exec ${run} work $FROM`, check: `${run} check`, unable };
}

/** Git renames a reference that it has synced, and does not sync the Dir. */
const GIT: Committer = {
  name: 'git',
  work: [
    'test -d repo || git init -q repo; cd repo; rm -f .git/*.lock .git/refs/heads/*.lock; git config core.fsync all',
    'n=$FROM; while echo $n > file && git add file && git commit -q -m $n && sync .git/refs/heads; do echo $n; n=$((n + 1)); done',
  ].join('\n'),
  check: 'test ! -d repo/.git/refs || { cd repo; git fsck --no-dangling && git log -1 --format=%s; }',
  unable: undefined,
};

/** The python3 that has the module of LMDB: it is a package of the system's. */
function pythonOfLmdb(): string | undefined {
  return ['python3', '/usr/bin/python3'].find((python) => spawnSync(python, ['-c', 'import lmdb']).status === 0);
}

function withoutPostgres(): string | undefined {
  if (!isInstalled('postgres') || !isInstalled('initdb')) return 'there is no postgres or no initdb';
  return process.getuid?.() === 0 ? undefined : 'only root runs it as another user';
}

/** All of them. For SQLite a kill of the mount's process is a loss of power: where a removed name commits, it has to sync the Dir. */
export function committers(): readonly Committer[] {
  const python = pythonOfLmdb();
  return [
    database('SQLite, wal', 'sqlite-wal-full'),
    database('SQLite, delete', 'sqlite-delete-extra'),
    database('SQLite, truncate', 'sqlite-truncate-full'),
    database('SQLite, persist', 'sqlite-persist-full'),
    GIT,
    database('LMDB', 'lmdb', { python, unable: python === undefined ? 'no python3 has the module lmdb' : undefined }),
    database('PostgreSQL', 'postgres', { unable: withoutPostgres() }),
  ];
}
