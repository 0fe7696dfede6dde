import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import type { Run } from '../../support/program.ts';
import { recited, run } from '../../support/program.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

/** What a program does in a folder, on a mount and on an ordinary filesystem: it must say the same. */
interface Work {
  readonly name: string;
  /** Made beforehand in a folder that is `$FROM`. */
  readonly prepare: (folder: string) => void;
  /** A script of bash that says what came of it. */
  readonly script: string;
  /** Rules of rsync: what it makes that is not the same each time. */
  readonly differs?: readonly string[];
}

const IDENTITY = 'export GIT_CONFIG_NOSYSTEM=1 HOME=$FROM GIT_AUTHOR_DATE="2026-01-01T00:00:00Z" GIT_COMMITTER_DATE="2026-01-01T00:00:00Z"';

const WORKS: readonly Work[] = [
  {
    name: 'git: clone, commits, fsck, gc, fsck again',
    prepare: () => undefined,
    script: `${IDENTITY}
      git config --global user.name vtftp; git config --global user.email vtftp@example.org; git config --global init.defaultBranch main
      rm -rf $FROM/origin; mkdir $FROM/origin; cd $FROM/origin; git init -q
      for i in 1 2 3 4; do seq $((i * 1000)) > numbers; echo $i > file$i; git add -A; git commit -qm "the $i."; done
      cd $HERE; git clone -q file://$FROM/origin clone; cd clone
      for i in 5 6 7 8; do seq $((i * 1000)) > numbers; mkdir -p d$i; cp -r numbers d$i/; git add -A; git commit -qm "the $i."; done
      git branch side HEAD~3; git checkout -q side; echo more > side; git add -A; git commit -qm side; git checkout -q main; git merge -q -m merged side
      git fsck --strict 2>&1; git gc -q --prune=now; git fsck --strict --full 2>&1
      git rev-parse HEAD; git status --porcelain; git log --oneline | wc -l`,
    differs: ['--exclude=/clone/.git', '--no-times'],
  },
  {
    name: 'npm: install of packages that depend on each other, with programs in node_modules/.bin',
    prepare: (folder) => {
      for (const [name, more] of [
        ['one', { bin: { one: 'main.js' }, dependencies: { two: `file:${folder}/two-1.0.0.tgz` } }],
        ['two', {}],
      ] as const) {
        mkdirSync(join(folder, name));
        writeFileSync(join(folder, name, 'package.json'), JSON.stringify({ name, version: '1.0.0', main: 'main.js', ...more }));
        const says = name === 'one' ? "console.log('one and ' + require('two'))" : "module.exports = 'two'";
        writeFileSync(join(folder, name, 'main.js'), `#!/usr/bin/env node\n${says}\n`);
      }
    },
    script: `export npm_config_cache=$FROM/cache npm_config_update_notifier=false npm_config_loglevel=error
      cd $FROM; npm pack --silent ./two ./one >/dev/null
      mkdir $HERE/app; cd $HERE/app; echo '{"name":"app","version":"1.0.0"}' > package.json
      npm install --offline --no-audit --no-fund --silent $FROM/one-1.0.0.tgz
      ./node_modules/.bin/one; npm ci --offline --no-audit --no-fund --silent; ./node_modules/.bin/one; npm ls --all --parseable | wc -l`,
    // Where it stands is written into it, as a path from here to there.
    differs: ['--exclude=package-lock.json', '--exclude=.package-lock.json', '--exclude=/app/package.json', '--no-times'],
  },
  {
    name: 'make -j2 of C sources, and what was built, twice',
    prepare: (folder) => {
      const names = Array.from({ length: 12 }, (_, i) => `part${i}`);
      mkdirSync(join(folder, 'c'));
      for (const [i, name] of names.entries()) writeFileSync(join(folder, 'c', `${name}.c`), `int ${name}(void) { return ${i * i}; }\n`);
      const calls = names.map((name) => `${name}()`).join(' + ');
      const declared = names.map((name) => `int ${name}(void);`).join('\n');
      writeFileSync(join(folder, 'c/main.c'), `#include <stdio.h>\n${declared}\nint main(void) { printf("%d\\n", ${calls}); return 0; }\n`);
      const objects = ['main', ...names].map((name) => `${name}.o`).join(' ');
      writeFileSync(join(folder, 'c/Makefile'), `CFLAGS = -O1\nall: sum\nsum: ${objects}\n\tcc -o $@ ${objects}\n`);
    },
    script: `cp -r $FROM/c $HERE/; cd $HERE/c; make -s -j2 2>&1; ./sum; make -q && echo nothing to do
      echo 'int part3(void) { return 100; }' > part3.c; touch -d '+2 seconds' part3.c; make -s -j2 2>&1 | sed '/in the future$/d; /Clock skew/d'; ./sum`,
    differs: ['--no-times'],
  },
  {
    name: 'sqlite: a database with WAL that four processes write at once',
    prepare: (folder) => {
      writeFileSync(
        join(folder, 'writer.py'),
        `import sqlite3, sys
writer = int(sys.argv[1])
db = sqlite3.connect('data.db', timeout=120, isolation_level=None)
for n in range(60):
    db.execute('begin immediate')
    db.execute('insert into t values (?, ?, ?)', (writer, n, bytes([writer]) * (n * 7)))
    db.execute('update total set n = n + 1')
    db.execute('commit' if n % 10 else 'rollback')
`,
      );
    },
    script: `cd $HERE; python3 -c "
import sqlite3
db = sqlite3.connect('data.db')
print(db.execute('pragma journal_mode=wal').fetchone())
db.executescript('create table t (writer, n, data); create table total (n); insert into total values (0); create index i on t (n, writer)')"
      for writer in 1 2 3 4; do python3 $FROM/writer.py $writer & done; wait
      python3 -c "
import sqlite3
db = sqlite3.connect('data.db')
print(db.execute('pragma integrity_check').fetchone(), db.execute('select n from total').fetchone())
print(db.execute('select count(*), sum(n), sum(length(data)) from t').fetchone())
print(db.execute('pragma wal_checkpoint(truncate)').fetchone()); db.execute('vacuum')
print(db.execute('pragma integrity_check').fetchone())"; ls`,
    differs: ['--exclude=data.db*'],
  },
  {
    name: 'tar x, and tar d',
    prepare: (folder) => makeTree(join(folder, 'tree'), { files: 400, seed: 33 }),
    script:
      'cd $FROM; tar cf tree.tar tree; cd $HERE; tar xpf $FROM/tree.tar --numeric-owner; tar df $FROM/tree.tar; rm -r tree; tar xpf $FROM/tree.tar; tar df $FROM/tree.tar; find . | wc -l',
  },
];

describe("programs' real work on a mount", { skip: noMountsHere() ?? false }, () => {
  for (const work of WORKS)
    it(`${work.name}: the same as on any filesystem, also of what is stored`, async (t) => {
      const scratch = makeScratch(t);
      const from = scratch.mkdir('from');
      work.prepare(from);
      const plain = await done(scratch.mkdir('plain'), from, work);
      const mount = await mounted(t, scratch);
      assert.equal(await done(mount.path, from, work), plain);
      assert.notEqual(plain.trim(), '');
      const left = await mount.unmount();
      assert.equal(left.status, 0, left.report);
      assert.equal(await differences(scratch, mount.vtftp, recited(left), work), '');
    });
});

async function done(here: string, from: string, { script }: Work): Promise<string> {
  const env = { FROM: from, HERE: here };
  const { status, stdout, report } = await run('bash', ['-c', `set -e -o pipefail\n${script}`], { env, cwd: here });
  assert.equal(status, 0, report);
  return stdout.replaceAll(here, '$HERE');
}

async function differences(
  scratch: Scratch,
  vtftp: (...args: string[]) => Promise<Run>,
  dirref: string,
  { differs = [] }: Work,
): Promise<string> {
  const got = await vtftp(dirref, '-c', `get . ${scratch.path('got')}`);
  assert.equal(got.status, 0, got.report);
  return await rsyncDifferences(scratch.path('plain'), scratch.path('got'), ['--omit-dir-times', ...differs]);
}
