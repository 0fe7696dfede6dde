import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT_ROOT } from '../support/project.ts';
import { benchDedup } from './dedup.ts';
import { benchHistory } from './history.ts';
import { benchLink } from './link.ts';
import { median, shuffled } from './measure.ts';
import type { MountTimes } from './mount.ts';
import { benchMount } from './mount.ts';
import type { Part } from './parts.ts';
import { allParts } from './parts.ts';
import { benchPeers } from './peer.ts';
import { versionOf } from './peers.ts';
import { benchS3 } from './s3.ts';
import { inScratch } from './scratch.ts';
import { partTable, verdictTable } from './tables.ts';
import { benchTails } from './tails.ts';
import type { Verdict } from './targets.ts';
import { verdictsOf } from './targets.ts';
import { Results, Turn } from './turn.ts';
import { benchWeb } from './web.ts';
import { checkSums } from './workloads.ts';

/** The program that is measured; `VTFTP_PROGRAM` names another build of it. */
const program = process.env['VTFTP_PROGRAM'] ?? join(PROJECT_ROOT, 'dist/bin/vtftp.js');
const parts = allParts(program);
const names = [...parts.map((part) => part.name), 'dedup', 'mount', 'peer', 'link', 'web', 's3', 'tails', 'history', 'startup'];
const optional = parts.filter((part) => part.isOptional === true).map((part) => part.name);

const HELP = `npm run bench -- [options]: compares vtftp with other programs on this machine
  --rounds N      measure each N times and show medians (3)
  --only A,B      measure only these parts: ${names.join(', ')}; default: all except ${optional.join(', ')}
  --scale         also measure ${optional.join(', ')}: up to 16 GiB and 1,000,000 files, which takes hours and 60 GB
  --peers A,B     compare only with programs whose names begin so, as restic,borg; for mounts also with a bind mount
  --small         everything at 1/64 of its size, in one round: checks the benchmark itself
  --json FILE     also write every single measurement to FILE
  --check-data    generate the data, compare it with its checksums, and measure nothing
Sources and stores need about 8 GB in a folder below $BENCH_SCRATCH, or the temporary folder; they are removed afterwards.`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string' },
    only: { type: 'string' },
    scale: { type: 'boolean', default: false },
    peers: { type: 'string' },
    small: { type: 'boolean', default: false },
    json: { type: 'string' },
    'check-data': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) console.log(HELP);
else await inScratch(options['check-data'] ? (folder) => console.log(checkSums(folder).join('\n')) : benchAll);

async function benchAll(folder: string): Promise<void> {
  const scale = options.small ? 1 / 64 : 1;
  const rounds = Number(options.rounds ?? (options.small ? 1 : 3));
  const wanted = options.only?.split(',') ?? names.filter((name) => options.scale || !optional.includes(name));
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0 || !(rounds >= 1)) throw new Error(`bench: expected --only of ${names.join(', ')} and --rounds of 1 or more`);
  const started = performance.now();
  const chosen = parts.filter((part) => wanted.includes(part.name)).map(withInstalled);
  const environment = describeMachine(chosen, rounds, scale);
  console.log(`${environment}\n`);

  const results = new Results();
  const verdicts: Verdict[] = [];
  for (const part of chosen) {
    benchPart(part, results, join(folder, part.name), { rounds, scale });
    verdicts.push(...verdictsOf(part, results));
    console.log(partTable(part, results));
  }
  const dedup = wanted.includes('dedup') ? benchDedup(program, join(folder, 'dedup'), scale) : undefined;
  if (dedup !== undefined) console.log(dedup.table);
  const mounts = wanted.includes('mount') ? benchMount(program, join(folder, 'mount'), { rounds, scale, isWanted }) : undefined;
  if (mounts !== undefined) {
    console.log(mounts.table);
    verdicts.push(...mounts.verdicts);
  }
  const tails = wanted.includes('tails') ? benchTails(program, join(folder, 'tails'), scale) : undefined;
  if (tails !== undefined) {
    console.log(tails.table);
    verdicts.push(...tails.verdicts);
  }
  const peers = wanted.includes('peer') ? benchPeers(program, join(folder, 'peer'), { rounds, scale }) : undefined;
  if (peers !== undefined) {
    console.log(peers.table);
    verdicts.push(...peers.verdicts);
  }
  const link = wanted.includes('link') ? benchLink(program, join(folder, 'link'), { rounds, scale }) : undefined;
  if (link !== undefined) {
    console.log(link.table);
    verdicts.push(...link.verdicts);
  }
  const web = wanted.includes('web') ? benchWeb(program, join(folder, 'web'), { rounds, scale }) : undefined;
  if (web !== undefined) {
    console.log(web.table);
    verdicts.push(...web.verdicts);
  }
  const s3 = wanted.includes('s3') ? await benchS3(program, join(folder, 's3'), { rounds, scale }) : undefined;
  if (s3 !== undefined) {
    console.log(s3.table);
    verdicts.push(...s3.verdicts);
  }
  const history = wanted.includes('history') ? await benchHistory(program, join(folder, 'history'), { rounds, scale }) : undefined;
  if (history !== undefined) {
    console.log(history.table);
    verdicts.push(...history.verdicts);
  }
  const startUp = wanted.includes('startup') ? benchStartUp(folder) : undefined;
  if (startUp !== undefined) verdicts.push(startUp.verdict);
  if (verdicts.length > 0) {
    console.log('In brackets: wall and CPU time against the least of the others; for get, of those that lose nothing.\n');
    console.log(verdictTable(verdicts));
  }
  console.log(`${((performance.now() - started) / 60_000).toFixed(1)} minutes`);
  if (options.json === undefined) return;
  const all = {
    environment,
    samples: results.samples,
    stored: Object.fromEntries(results.stored),
    verdicts,
    dedup: dedup?.found,
    tails: tails?.found,
    mount: mountTimes(mounts?.times),
    peer: Object.fromEntries(peers?.times ?? []),
    link: Object.fromEntries(link?.times ?? []),
    web: Object.fromEntries(web?.times ?? []),
    s3: Object.fromEntries(s3?.times ?? []),
    history: history?.times,
    startUp: startUp?.medians,
  };
  writeFileSync(options.json, `${JSON.stringify(all, undefined, 1)}\n`);
}

/** What was measured of mounts, as JSON takes it. */
function mountTimes(times: MountTimes | undefined): Record<string, Record<string, number[]>> {
  return Object.fromEntries([...(times ?? [])].map(([name, ops]) => [name, Object.fromEntries(ops)]));
}

/** A part with those of its programs that are wanted and there. */
function withInstalled(part: Part): Part {
  const programs = part.programs.filter((peer) => versionOf(peer) !== undefined && (peer.isOurs === true || isWanted(peer.name)));
  return { ...part, programs };
}

/** Whether a program of others is to be measured. */
function isWanted(name: string): boolean {
  return options.peers?.split(',').some((each) => name.startsWith(each)) ?? true;
}

function describeMachine(chosen: readonly Part[], rounds: number, scale: number): string {
  const machine = `${hostname()}: ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const how = `medians of ${rounds} rounds${scale === 1 ? '' : `; at 1/${Math.round(1 / scale)} of full size`}`;
  const versions = new Set(chosen.flatMap((part) => part.programs).map((peer) => `${peer.name.split(',')[0]} ${versionOf(peer)}`));
  return `${machine}; Node ${process.version}; ${new Date().toISOString().slice(0, 10)}; ${how}\n${[...versions].join('; ')}`;
}

function benchPart(
  part: Part,
  results: Results,
  folder: string,
  { rounds, scale }: { readonly rounds: number; readonly scale: number },
): void {
  mkdirSync(folder, { recursive: true });
  part.prepare(folder, scale);
  for (let round = 0; round < rounds; round++) {
    // Programs take turns within a round, so that a noisy minute does not fall on one of them alone; in an order of chance, so that none
    // always comes after the same other.
    for (const peer of shuffled(part.programs)) {
      const key = `${part.name}: ${peer.name}`;
      if ((peer.isSlow === true && round > 0) || results.notes.get(key)?.startsWith('given up') === true) continue;
      try {
        using turn = new Turn(results, peer, part.name, round, folder, part.hasManyFiles);
        part.turn(turn);
      } catch (error) {
        results.notes.set(key, `given up: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  if (part.hasManyFiles !== true) rmSync(folder, { recursive: true, force: true });
}

/** `vtftp -c pwd` against `node -e 0`, in turns: medians in milliseconds. */
function benchStartUp(folder: string): { readonly medians: Readonly<Record<string, number>>; readonly verdict: Verdict } {
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: join(folder, 'data') };
  const lines = { 'node -e 0': ['-e', '0'], 'vtftp -c pwd': [program, '-c', 'pwd'] };
  const times = new Map<string, number[]>(Object.keys(lines).map((name) => [name, []]));
  for (let round = 0; round < 21; round++) {
    for (const [name, args] of Object.entries(lines)) {
      const started = performance.now();
      const run = spawnSync(process.execPath, args, { env, stdio: 'ignore' });
      // The first round fills caches.
      if (round > 0 && run.status === 0) times.get(name)?.push(performance.now() - started);
    }
  }
  const medians = Object.fromEntries([...times].map(([name, values]) => [name, median(values)]));
  const base = medians['node -e 0'] ?? Number.NaN;
  console.log('### start-up\n\n| | ms | ratio |\n|---|---|---|');
  for (const [name, value] of Object.entries(medians)) console.log(`| ${name} | ${value.toFixed(1)} | ${(value / base).toFixed(2)} |`);
  console.log('');
  const reached = (medians['vtftp -c pwd'] ?? Number.NaN) / base;
  return { medians, verdict: { part: 'startup', what: 'vtftp -c pwd, to node -e 0', reached, limit: 1.5, isReached: reached <= 1.5 } };
}
