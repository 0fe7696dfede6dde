import { median } from './measure.ts';
import type { Part } from './parts.ts';
import type { Results } from './turn.ts';

// What is aimed at, as ratios within one run.

/** A target and what was reached. */
export interface Verdict {
  readonly part: string;
  readonly what: string;
  readonly reached: number;
  readonly limit: number;
  readonly isReached: boolean;
}

/** Most octets of memory that any of it may take. */
const MAX_PEAK_BYTES = 300e6;

/** How much more an octet or a file may cost where there are many more of them. */
const MAX_GROWTH = 1.2;

/** Octets that bup stored of all versions, where it is not there to be measured. */
const BUP_VERSIONS_BYTES = 144e6;

/** Compares what was measured of a part with its targets; of what was not measured there is no word. */
export function verdictsOf(part: Part, results: Results): Verdict[] {
  const verdicts: Verdict[] = [];
  const add = (what: string, reached: number, limit: number): void => {
    if (Number.isFinite(reached)) verdicts.push({ part: part.name, what, reached, limit, isReached: reached <= limit });
  };
  const seconds = (program: string, op: string): number => secondsOf(part, results, program, op);
  const cpuSeconds = (program: string, op: string): number => cpuSecondsOf(part, results, program, op);
  const fastest = (op: string): number => fastestPeer(part, results, op);
  const thriftiest = (op: string): number => thriftiestPeer(part, results, op);
  const stored = (program: string): number => results.stored.get(`${part.name}/${program}/put`) ?? Number.NaN;
  const ours = part.programs.filter((peer) => peer.isOurs === true).map((peer) => peer.name);
  switch (part.name) {
    case 'random':
      add('put, to the fastest peer', seconds('vtftp', 'put') / fastest('put'), 0.5);
      add('put, CPU to the thriftiest peer', cpuSeconds('vtftp', 'put') / thriftiest('put'), 0.8);
      add('get, to the fastest peer', seconds('vtftp', 'get') / fastest('get'), 0.4);
      add('get, CPU to the thriftiest peer', cpuSeconds('vtftp', 'get') / thriftiest('get'), 0.8);
      for (const op of ['put', 'get']) add(`${op}, to that with SHA-256`, seconds('vtftp', op) / seconds('vtftp, sha256', op), 1.1);
      for (const name of ours) add(`${name}: under another name, to its first put`, seconds(name, 'other') / seconds(name, 'put'), 0.7);
      break;
    case 'tree':
      add('put, to the fastest peer', seconds('vtftp', 'put') / fastest('put'), 0.6);
      add('put, CPU to the thriftiest peer', cpuSeconds('vtftp', 'put') / thriftiest('put'), 0.9);
      add('again, to the fastest peer', seconds('vtftp', 'again') / fastest('again'), 0.25);
      add('new mtimes, to the fastest peer', seconds('vtftp', 'touched') / fastest('touched'), 1);
      add('get, to the fastest peer that loses nothing', seconds('vtftp', 'get') / fastest('get'), 0.45);
      add('get, CPU to the thriftiest peer that loses nothing', cpuSeconds('vtftp', 'get') / thriftiest('get'), 0.8);
      break;
    case 'share':
      add('put, to the fastest peer', seconds('vtftp', 'put') / fastest('put'), 0.55);
      add('put, CPU to the thriftiest peer', cpuSeconds('vtftp', 'put') / thriftiest('put'), 0.9);
      add('again, to the fastest peer', seconds('vtftp', 'again') / fastest('again'), 0.25);
      add('get, to the fastest peer', seconds('vtftp', 'get') / fastest('get'), 0.4);
      add('peak memory of put, MB', peakBytes(part, results, ours, 'put') / 1e6, 150);
      break;
    case 'versions': {
      const all = (program: string): number => seconds(program, 'put') + seconds(program, 'later');
      add('stored, to bup', stored('vtftp') / (results.stored.get('versions/bup/put') ?? BUP_VERSIONS_BYTES), 1);
      add('time of all, to bup', all('vtftp') / all('bup'), 1 / 3);
      break;
    }
    case 'text':
      add('stored, to restic', stored('vtftp, compression') / stored('restic'), 0.9);
      add('put, to restic', seconds('vtftp, compression', 'put') / seconds('restic', 'put'), 0.8);
      add('get, to restic', seconds('vtftp, compression', 'get') / seconds('restic', 'get'), 0.8);
      break;
    case 'ar':
    case 'ar-random':
      add('ar, to put', seconds('vtftp ar', 'put') / seconds('vtftp', 'put'), 1.1);
      add('size, to tar', stored('vtftp ar') / stored('tar'), 1.01);
      add('size compressed, to squashfs', stored('vtftp ar -z') / stored('squashfs, zstd'), 1.1);
      break;
    case 'transition':
      add('transition, to put', seconds('vtftp transition', 'put') / seconds('vtftp', 'put'), 1 / 0.7);
      add('in place, to put', seconds('vtftp transition in place', 'put') / seconds('vtftp', 'put'), 0.6);
      add('size in place, to put', stored('vtftp transition in place') / stored('vtftp'), 1.03);
      break;
    case 'scale':
      add('seconds a GiB, put of 16 to 1', seconds('vtftp', 'put16') / 16 / seconds('vtftp', 'put1'), MAX_GROWTH);
      add('seconds a GiB, get of 16 to 1', seconds('vtftp', 'get16') / 16 / seconds('vtftp', 'get1'), MAX_GROWTH);
      break;
    case 'files':
      add('seconds a file, 1,000,000 to 100,000', seconds('vtftp', 'put1000') / 10 / seconds('vtftp', 'put100'), MAX_GROWTH);
      add(
        'peak memory, 1,000,000 to 100,000 files',
        peakBytes(part, results, ours, 'put1000') / peakBytes(part, results, ours, 'put100'),
        10 * MAX_GROWTH,
      );
      add('peak memory, 1,000,000 files, MB', peakBytes(part, results, ours, 'put1000') / 1e6, 350);
      break;
  }
  add('peak memory of ours, MB', peakBytes(part, results, ours) / 1e6, MAX_PEAK_BYTES / 1e6);
  return verdicts;
}

/** The median of the rounds; of what is done several times in one round, all of it together. */
export function secondsOf(part: Part, results: Results, program: string, op: string): number {
  return perRound(results, part, program, op, (sample) => sample.seconds);
}

/** As {@link secondsOf}, of CPU time. */
export function cpuSecondsOf(part: Part, results: Results, program: string, op: string): number {
  return perRound(results, part, program, op, (sample) => sample.cpuSeconds);
}

function perRound(results: Results, part: Part, program: string, op: string, of: (sample: Results['samples'][number]) => number): number {
  const rounds = new Map<number, number>();
  for (const sample of results.of(part.name, program, op)) rounds.set(sample.round, (rounds.get(sample.round) ?? 0) + of(sample));
  return median([...rounds.values()]);
}

/** The least time of the others, of `get` but for those that lose something; NaN where nobody else was measured. */
export function fastestPeer(part: Part, results: Results, op: string): number {
  return leastOfPeers(part, op, (name) => secondsOf(part, results, name, op));
}

/** As {@link fastestPeer}, of CPU time. */
export function thriftiestPeer(part: Part, results: Results, op: string): number {
  return leastOfPeers(part, op, (name) => cpuSecondsOf(part, results, name, op));
}

function leastOfPeers(part: Part, op: string, of: (program: string) => number): number {
  const peers = part.programs.filter((peer) => peer.isOurs !== true && !(op === 'get' && peer.loses !== undefined));
  const values = peers.map((peer) => of(peer.name)).filter(Number.isFinite);
  return values.length === 0 ? Number.NaN : Math.min(...values);
}

/** The most memory that some programs took. */
export function peakBytes(part: Part, results: Results, programs: readonly string[], op?: string): number {
  const samples = results.samples.filter(
    (sample) => sample.part === part.name && programs.includes(sample.program) && (op === undefined || sample.op === op),
  );
  return samples.length === 0 ? Number.NaN : Math.max(...samples.map((sample) => sample.peakBytes));
}
