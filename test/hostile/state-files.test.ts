import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { assertInGoodOrder, HARMS } from '../support/hostile-files.ts';
import { vtftp } from '../support/program.ts';
import { makeRandom } from '../support/random.ts';
import { makeScratch } from '../support/scratch.ts';

// As store-files, of what lies beside a Store: the files of a HOME, a one-file Store, a cache of Blocks. Each is copied, harmed and used.

const STORE = './store';

interface Row {
  readonly name: string;
  /** Where it lies in the folder, once all is made. */
  readonly path: (folder: string) => string;
  readonly store?: string;
  /** What uses it. */
  readonly lines: string;
  /** What it says where nothing was harmed. */
  readonly says: RegExp;
}

function only(...path: readonly string[]): string {
  const folder = join(...path);
  const name = readdirSync(folder).find((each) => !each.endsWith('.lock'));
  if (name === undefined) throw new Error(`nothing in ${folder}`);
  return join(folder, name);
}

const ROWS: readonly Row[] = [
  {
    name: 'bookmarks',
    path: (folder) => join(folder, 'config/vtftp/bookmarks'),
    lines: 'bookmark\nopen kept\nls\nbookmark more\n',
    says: /^large$/m,
  },
  { name: 'a configuration', path: (folder) => join(folder, 'config/vtftp/vtftp.conf'), lines: 'set\nls\n', says: /timing/ },
  {
    name: 'the checkpoint of a followed file',
    path: (folder) => only(folder, 'state/vtftp/tails'),
    lines: 'follow tree/large log\nsync\ntails\n',
    says: /taken in/,
  },
  {
    name: 'a file cache',
    path: (folder) => only(folder, 'cached'),
    store: 'filecache:cached,backend=datadir:store',
    lines: 'ls tree\nget tree back\nput tree more\n',
    says: /got 2 files/,
  },
  {
    name: 'a one-file Store',
    path: (folder) => join(folder, 'one.vtd'),
    store: 'memory:',
    lines: 'open one.vtd\nls\nget large back\nlog\n',
    says: /got 1 file/,
  },
];

it('what lies beside a Store, replaced by what should not be there: no crash, nothing written elsewhere', async (t) => {
  const scratch = makeScratch(t);
  const whole = scratch.path('whole');
  const folder = scratch.mkdir('work');
  const homes = (folder: string): Readonly<Record<string, string>> => ({
    ...scratch.env,
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_STATE_HOME: join(folder, 'state'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_RUNTIME_DIR: folder,
  });
  const use = async (folder: string, store: string, input: string) =>
    await vtftp(['-S', store], { env: homes(folder), cwd: folder, input: `set onerror continue\n${input}quit\n` });
  mkdirSync(join(folder, 'tree'));
  writeFileSync(join(folder, 'tree/large'), makeRandom(1).bytes(100_000));
  writeFileSync(join(folder, 'tree/small'), 'small');
  const made = await use(
    folder,
    STORE,
    'put tree tree\nsync\ncd tree\nbookmark kept\ncd /\nar one.vtd tree\nfollow tree/large log\nsync\n',
  );
  assert.equal(made.status, 0, made.report);
  for (const { store } of ROWS) if (store !== undefined && store !== 'memory:') await use(folder, store, 'ls\n');
  const cached = await use(folder, 'filecache:cached,backend=datadir:store', 'get tree back\n');
  assert.equal(cached.status, 0, cached.report);
  rmSync(join(folder, 'back'), { recursive: true });
  writeFileSync(join(folder, 'config/vtftp/vtftp.conf'), '[session]\n', { mode: 0o600 });
  cpSync(folder, whole, { recursive: true });
  const outside = scratch.mkdir('outside');
  mkdirSync(join(outside, 'folder'));
  writeFileSync(join(outside, 'victim'), 'victim');
  // A quarter of them in each run: which goes by the clock.
  const part = Date.now() % 4;
  const cases = ROWS.flatMap((row) =>
    [['nothing', undefined] as const, ...Object.entries(HARMS)].map(([harm, doHarm]) => ({ ...row, harm, doHarm })),
  ).filter((_, i) => process.env['VTFTP_ATTACK'] === 'all' || (i + Math.floor(i / 9)) % 4 === part);
  for (const { name, harm, doHarm, path, store = STORE, lines, says } of cases) {
    rmSync(folder, { recursive: true, force: true });
    cpSync(whole, folder, { recursive: true });
    doHarm?.(path(folder), outside);
    const what = `${name} as ${harm}`;
    const result = await use(folder, store, lines);
    assertInGoodOrder(what, result);
    if (doHarm === undefined) assert.match(`${result.stdout}${result.stderr}`, says, `${what}: ${result.report}`);
    assert.equal(readFileSync(join(outside, 'victim'), 'latin1'), 'victim', what);
    assert.deepEqual([readdirSync(outside).sort(), readdirSync(join(outside, 'folder'))], [['folder', 'victim'], []], what);
  }
});
