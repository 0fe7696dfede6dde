import { join } from 'node:path';
import { PROJECT_ROOT } from '../support/project.ts';

/** Work of a program in a mount, as shell lines: $PATH_THERE is the folder that it has, $FROM what was stored before. */
export interface ProgramRow {
  readonly op: string;
  /** What is done first, and not measured. */
  readonly before?: string;
  readonly line: string;
  /** What is done afterwards, whatever came of it. */
  readonly after?: string;
  /** The most that it may take, to its time on a bind mount. */
  readonly limit: number;
  /** Commands without which it is left out. */
  readonly needs: readonly string[];
}

/** Where Debian keeps the programs of PostgreSQL that are not for users. */
const POSTGRES = 'PATH="$(echo /usr/lib/postgresql/*/bin):$PATH"';
const AS_POSTGRES = 'setpriv --reuid=postgres --regid=postgres --clear-groups';
/** Two mounts are never measured at once, but benchmarks may be. */
const PORT = 20_000 + (process.pid % 20_000);
const TABLES = `-h /tmp -p ${PORT} -U postgres`;

/** Transactions of a hundred inserts each that SQLite makes, and git's commits; where there is one round only, a part of them. */
const TRANSACTIONS = 2000;
const COMMITS = 300;
const ONE_ROUND = 1 / 5;

function sqliteRow(mode: string, transactions: number, limit: number): ProgramRow {
  const insert = 'insert into t select value, hex(randomblob(25)) from generate_series(1, 100);';
  const rows = `for i in $(seq ${transactions}); do echo "${insert}"; done`;
  return {
    op: `SQLite, ${mode}, ${transactions} transactions`,
    line: `{ echo "pragma journal_mode=${mode}; create table t(a, b);"; ${rows}; } | sqlite3 $PATH_THERE/${mode}.db >/dev/null`,
    limit,
    needs: ['sqlite3'],
  };
}

/** What programs do, in their order. @param rounds - how often: where it is once, databases and git do less */
export function programRows(scale: number, rounds: number): readonly ProgramRow[] {
  const part = rounds > 1 ? scale : scale * ONE_ROUND;
  const transactions = Math.ceil(TRANSACTIONS * part);
  return [
    sqliteRow('wal', transactions, 1.5),
    sqliteRow('delete', transactions, 2.5),
    sqliteRow('persist', transactions, 3),
    {
      op: `pgbench, ${transactions} transactions`,
      before: [
        `export ${POSTGRES}; cd /; mkdir $PATH_THERE/pg && chown postgres $PATH_THERE/pg && chmod 700 $PATH_THERE/pg`,
        `${AS_POSTGRES} initdb -A trust -D $PATH_THERE/pg`,
        `${AS_POSTGRES} pg_ctl -w -D $PATH_THERE/pg -l $PATH_THERE/pg/log -o "-k /tmp -p ${PORT} -c listen_addresses=" start`,
        `pgbench -i -q ${TABLES} postgres 2>&1`,
      ].join(' && '),
      line: `pgbench -n -c 2 -t ${Math.ceil(transactions / 2)} ${TABLES} postgres`,
      after: `export ${POSTGRES}; cd /; ${AS_POSTGRES} pg_ctl -w -m immediate -D $PATH_THERE/pg stop`,
      limit: 4,
      needs: ['pgbench', 'setpriv'],
    },
    { op: 'tar x of sources', line: 'mkdir $PATH_THERE/s && tar xf $FROM/../sources.tar -C $PATH_THERE/s', limit: 2, needs: [] },
    { op: 'read sources', line: 'find $PATH_THERE/s -type f -exec cat {} + >/dev/null', limit: 1.5, needs: [] },
    { op: 'rm of sources', line: 'rm -r $PATH_THERE/s', limit: 3, needs: [] },
    gitRow(Math.max(20, Math.ceil(COMMITS * part))),
    // It cannot be done in part.
    ...(scale < 1 ? [] : [npmRow()]),
  ];
}

/** Commits of two changed files each, then what reads, packs, clones and removes them. */
function gitRow(commits: number): ProgramRow {
  const commit = 'echo $i > f$((i % 50)); echo $i >> all; git add -A; git commit -qm $i';
  return {
    op: `git, ${commits} commits`,
    line: [
      'export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b',
      'mkdir $PATH_THERE/g && cd $PATH_THERE/g && git init -q',
      `for i in $(seq ${commits}); do ${commit}; done`,
      'git log -p >/dev/null && git gc -q && git fsck 2>/dev/null && git clone -q --no-hardlinks . ../h && cd .. && rm -rf g h',
    ].join('; '),
    limit: 1,
    needs: ['git'],
  };
}

/** Installs what this project needs from npm's cache, compiles the project, and removes all. */
function npmRow(): ProgramRow {
  const files = ['package.json', 'package-lock.json', 'tsconfig.json'].map((name) => `"${join(PROJECT_ROOT, name)}"`).join(' ');
  return {
    op: 'npm ci, tsc, rm -rf',
    before: `mkdir $PATH_THERE/n && cp ${files} $PATH_THERE/n && tar xf $FROM/../sources.tar -C $PATH_THERE/n`,
    line: [
      'cd $PATH_THERE/n && npm ci --offline --ignore-scripts --no-audit --no-fund >/dev/null',
      'node node_modules/typescript/bin/tsc -p tsconfig.json',
      'cd .. && rm -rf n',
    ].join(' && '),
    limit: 1,
    needs: ['npm'],
  };
}
