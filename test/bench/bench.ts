import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, hostname, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT_ROOT } from '../support/project.ts';
import { measure, median } from './measure.ts';
import { type Peer, peers, versionOf } from './peers.ts';
import { printTable, type Row } from './table.ts';
import { makeByGenerator, WORKLOADS, type Workload } from './workloads.ts';

const HELP = `npm run bench -- [options]: vtftp against the programs people use instead, in turns, on this machine
  --rounds N         measure each N times and show medians (3)
  --small            every workload at 1/64 of its size; --scale F for another fraction
  --workloads A,B    of ${WORKLOADS.map((workload) => workload.name).join(', ')}, startup (all)
  --peers A,B        by name; vtftp is always measured (all that are installed)
  --dir DIR          where sources and stores lie (a temporary folder)
  --peers-dir DIR    a folder with a gen.py which makes the workloads, in place of our own generator
  --json FILE        write every single measurement there, too`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    small: { type: 'boolean', default: false },
    scale: { type: 'string' },
    workloads: { type: 'string', default: [...WORKLOADS.map((workload) => workload.name), 'startup'].join(',') },
    peers: { type: 'string' },
    dir: { type: 'string' },
    'peers-dir': { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) console.log(HELP);
else benchAll();

function benchAll(): void {
  const rounds = Number(options.rounds);
  const scale = options.scale === undefined ? (options.small ? 1 / 64 : 1) : Number(options.scale);
  const wanted = options.peers?.split(',');
  const all = peers(join(PROJECT_ROOT, 'dist/bin/vtftp.js')).filter(
    (peer) => peer.name === 'vtftp' || wanted === undefined || wanted.includes(peer.name),
  );
  const installed = all.map((peer) => ({ peer, version: versionOf(peer) })).filter((one) => one.version !== undefined);
  const names = options.workloads.split(',');
  const folder = options.dir ?? mkdtempSync(join(tmpdir(), 'vtftp-bench-'));

  console.log(
    `${hostname()}: ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}; ${new Date().toISOString().slice(0, 10)}; medians of ${rounds}${scale === 1 ? '' : `; at ${scale} of full size`}`,
  );
  console.log(`${installed.map((one) => `${one.peer.name} ${one.version}`).join('; ')}\n`);
  const results: Record<string, Row[]> = {};
  for (const workload of WORKLOADS.filter((one) => names.includes(one.name))) {
    const rows = benchWorkload(
      workload,
      installed.map((one) => one.peer),
      join(folder, workload.name),
      { rounds, scale },
    );
    results[workload.name] = rows;
    printTable(workload, rows);
  }
  if (names.includes('startup')) printStartUp();
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(results, undefined, 1));
  if (options.dir === undefined) rmSync(folder, { recursive: true, force: true });
}

function benchWorkload(workload: Workload, tools: readonly Peer[], folder: string, how: { rounds: number; scale: number }): Row[] {
  const rows = tools.map(
    (peer): Row => ({ peer, put: [], again: [], get: [], later: [], storedBytes: 0, fault: undefined, note: undefined }),
  );
  for (let round = 0; round < how.rounds; round++) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const live = join(folder, 'live');
    makeSource(workload, live, how.scale);
    // Programs take turns within a round, so that a noisy minute does not fall on one of them alone.
    for (const row of rows.filter((one) => one.fault === undefined)) {
      try {
        if (workload.next !== undefined && row !== rows[0]) {
          rmSync(live, { recursive: true });
          makeSource(workload, live, how.scale);
        }
        benchRound(workload, row, folder, how.scale);
      } catch (error) {
        row.fault = error instanceof Error ? error.message : String(error);
      }
    }
  }
  rmSync(folder, { recursive: true, force: true });
  return rows;
}

function makeSource(workload: Workload, live: string, scale: number): void {
  const generator = options['peers-dir'];
  if (generator === undefined) workload.make(live, scale);
  else makeByGenerator(workload, generator, live, scale);
  execFileSync('sh', ['-c', 'find "$0" -type f -exec cat {} + >/dev/null; sync', live]);
}

function benchRound(workload: Workload, row: Row, folder: string, scale: number): void {
  const { peer } = row;
  const places = { REPO: join(folder, 'repo'), CACHE: join(folder, 'cache'), OUT: join(folder, 'out') };
  for (const place of Object.values(places)) {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place);
  }
  const expand = (text: string) => text.replace(/\$(REPO|CACHE|OUT)/g, (_, name: keyof typeof places) => places[name]);
  const settings = Object.fromEntries(Object.entries(peer.env ?? {}).map(([name, value]) => [name, expand(value)]));
  const take = (line: string, n: number) => {
    const cost = measure(line, { ...places, ...settings, XDG_CACHE_HOME: places.CACHE, N: String(n) }, folder);
    execFileSync('sync');
    return cost;
  };
  let n = 1;
  if (peer.init !== undefined) take(`${peer.init} >/dev/null`, n);
  row.put.push(take(peer.put, n));
  row.again.push(take(peer.put, ++n));
  let later = 0;
  for (let version = 2; workload.next?.(join(folder, 'live'), scale, version) === true; version++) later += take(peer.put, ++n).seconds;
  row.later.push(later);
  row.get.push(take(peer.get, n));
  row.storedBytes = Number(execFileSync('du', ['-sb', places.REPO], { encoding: 'utf8' }).split('\t')[0]);
  const differing = spawnSync('rsync', ['-rlHcn', '--delete', '--itemize-changes', `${folder}/live/`, `${places.OUT}/live/`], {
    encoding: 'utf8',
  });
  const lost = differing.stdout.split('\n').filter((line) => /^[<>ch*]/.test(line)).length;
  if (lost > 0) row.note = `${lost} entries are not as they were`;
}

/** `vtftp -c pwd` against `node -e 0`, in turns. */
function printStartUp(): void {
  const scratch = mkdtempSync(join(tmpdir(), 'vtftp-bench-'));
  const env = { ...process.env, HOME: scratch, XDG_DATA_HOME: join(scratch, 'data') };
  const lines = { 'node -e 0': ['-e', '0'], 'vtftp -c pwd': [join(PROJECT_ROOT, 'dist/bin/vtftp.js'), '-c', 'pwd'] };
  const times = new Map<string, number[]>(Object.keys(lines).map((name) => [name, []]));
  for (let round = 0; round < 21; round++) {
    for (const [name, args] of Object.entries(lines)) {
      const started = performance.now();
      const run = spawnSync(process.execPath, args, { env, stdio: 'ignore' });
      // The first round fills caches and makes the default Store.
      if (round > 0 && run.status === 0) times.get(name)?.push(performance.now() - started);
    }
  }
  rmSync(scratch, { recursive: true, force: true });
  const base = median(times.get('node -e 0') ?? []);
  console.log('### start-up\n\n| | ms | ratio |\n|---|---|---|');
  for (const name of Object.keys(lines))
    console.log(`| ${name} | ${median(times.get(name) ?? []).toFixed(1)} | ${(median(times.get(name) ?? []) / base).toFixed(2)} |`);
}
