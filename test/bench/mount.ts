import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROJECT_ROOT } from '../support/project.ts';
import { median } from './measure.ts';
import { growthVerdict, recoveryVerdict } from './mount-journal.ts';
import type { MountPeer } from './mount-peers.ts';
import { areThere, BIND_MOUNT, BINDFS, isThere, MountTurn, READ_PEERS, vtftpMount } from './mount-peers.ts';
import { programRows } from './mount-programs.ts';
import { memoryFolder, TMPFS } from './scratch.ts';
import type { Verdict } from './targets.ts';
import { MIB, makeRandomFile, makeTree } from './workloads.ts';

/** Seconds, by program and operation, one a round. */
export type MountTimes = Map<string, Map<string, number[]>>;

/** Operations on small things that are compared with bindfs over tmpfs. */
const SMALL_OPERATIONS = ['create', 'open', 'lookup', 'list', 'write4k', 'read4k', 'unlink'] as const;

/** Operations that wait for the disk, beside bindfs on the same disk; how many of each, and the most that they may take to its time. */
const SYNCED_OPERATIONS = [
  { op: 'page + fdatasync', count: 300, limit: 4 },
  { op: 'new file + fsync', count: 300, limit: 4 },
  { op: 'hard links', count: 16_000, limit: 5 },
] as const;

/** Parts of a large file that are overwritten and synced, one after the other: MiB of the file, how many, and the longest that one may take. */
const OVERWRITES = { op: '64 KiB + fsync', sizeMib: 2048, count: 300, limit: 4, maxSeconds: 0.5 } as const;
const LONGEST = `${OVERWRITES.op}, the longest`;

/** Behind the name of an operation: the processor time of the process that serves the mount. */
const CPU = ', CPU';

/** Our mount through libfuse 2. */
const NATIVE = 'vtftp, fuse-native';

/** The most that an operation may take, to the least time of some others. */
interface Limit {
  readonly op: string;
  readonly to: readonly string[];
  readonly limit: number;
}

const LIMITS: readonly Limit[] = [
  { op: 'read', to: ['squashfuse'], limit: 1 / 0.8 },
  { op: 'read', to: ['borg mount'], limit: 1 / 2 },
  { op: 'scattered', to: ['squashfuse'], limit: 1 / 0.5 },
  ...['find', 'ls -lR', 'tar c'].map((op) => ({ op, to: ['borg mount', 'restic mount'], limit: 0.35 })),
  ...SMALL_OPERATIONS.map((op) => ({ op, to: ['bindfs'], limit: 1 / 0.5 })),
  ...SMALL_OPERATIONS.map((op) => ({ op, to: [NATIVE], limit: 1 / 2 })),
  ...SYNCED_OPERATIONS.map(({ op, limit }) => ({ op, to: ['bindfs'], limit })),
  { op: OVERWRITES.op, to: ['bindfs'], limit: OVERWRITES.limit },
  { op: 'write', to: ['bindfs'], limit: 1 / 0.7 },
  { op: 'synced', to: ['vtftp put'], limit: 1 / 0.6 },
];

/**
 * Mounts of ours and of others, in turns: a large file and a tree read with all caches cold, and small operations and a large
 * file written beside bindfs over tmpfs.
 *
 * @param isWanted - whether a program of others is measured; where none is that stores trees, nothing is read cold
 */
export function benchMount(
  program: string,
  folder: string,
  { rounds, scale, isWanted }: { readonly rounds: number; readonly scale: number; readonly isWanted: (name: string) => boolean },
): { readonly table: string; readonly verdicts: readonly Verdict[]; readonly times: MountTimes } {
  const times: MountTimes = new Map();
  const note = (name: string, op: string, seconds: number): void => {
    const ops = times.get(name) ?? new Map<string, number[]>();
    times.set(name, ops);
    ops.set(op, [...(ops.get(op) ?? []), seconds]);
  };
  const notes: string[] = [];
  const turns = (peers: readonly MountPeer[], name: string, work: (peer: MountPeer, own: string) => void): void => {
    for (let round = 0; round < rounds; round++) {
      for (const peer of peers.filter(isThere)) {
        const own = join(folder, `${name}-${round}-${peer.name.replace(/\W/g, '-')}`);
        try {
          work(peer, own);
        } catch (error) {
          notes.push(`${peer.name}: ${error instanceof Error ? error.message : String(error)}`);
        }
        rmSync(own, { recursive: true, force: true });
      }
    }
  };
  const ours = vtftpMount(program);
  const native = [vtftpMount(program, NATIVE, '-o driver=fuse-native')].filter(({ name }) => isWanted(name));
  const readPeers = READ_PEERS.filter(({ name }) => isWanted(name));
  const bindfs = [BINDFS].filter(({ name }) => isWanted(name));
  // The others can only be read.
  const readOnly = vtftpMount(program, 'vtftp', '-o ro');
  const coldPeers = readPeers.length === 0 ? [] : [readOnly, ...readPeers];
  const [large, tree] = [join(folder, 'large/live'), join(folder, 'tree/live')];
  const sizeMib = Math.ceil(1024 * scale);
  mkdirSync(large, { recursive: true });
  makeRandomFile(join(large, 'random'), sizeMib * MIB);
  mkdirSync(join(folder, 'tree'));
  if (coldPeers.length > 0) makeTree(tree, Math.max(100, Math.round(20_000 * scale)));

  turns(coldPeers, 'large', (peer, own) => {
    using turn = new MountTurn(peer, own, large);
    turn.store();
    turn.mountCold();
    note(peer.name, 'read', turn.run('dd if=$PATH_THERE/random of=/dev/null bs=1M'));
    turn.unmount();
    turn.mountCold();
    note(peer.name, 'scattered', operation('scattered', join(turn.path, 'random'), Math.ceil(8000 * scale)));
    turn.unmount();
  });
  turns(
    coldPeers.filter((peer) => peer.name !== 'squashfuse'),
    'tree',
    (peer, own) => {
      using turn = new MountTurn(peer, own, tree);
      turn.store();
      const lines = {
        find: 'find $PATH_THERE >/dev/null',
        'ls -lR': 'ls -lR $PATH_THERE >/dev/null',
        'tar c': 'tar c -C $PATH_THERE . | cat >/dev/null',
      };
      for (const [op, line] of Object.entries(lines)) {
        turn.mountCold();
        note(peer.name, op, turn.run(line));
        turn.unmount();
      }
    },
  );
  rmSync(tree, { recursive: true, force: true });
  const few = join(folder, 'few/live');
  mkdirSync(few, { recursive: true });
  /** Notes what an operation takes, and of that the processor time of the mount's process. */
  const noteWith = (turn: MountTurn, { name }: MountPeer, op: string, work: () => number): void => {
    const before = turn.cpuSeconds;
    note(name, op, work());
    const after = turn.cpuSeconds;
    if (before !== undefined && after !== undefined) note(name, `${op}${CPU}`, after - before);
  };
  turns([ours, ...bindfs, BIND_MOUNT], 'disk', (peer, own) => {
    using turn = new MountTurn(peer, own, few);
    turn.store();
    turn.mountCold();
    for (const { op, count } of SYNCED_OPERATIONS)
      noteWith(turn, peer, op, () => operation(op, turn.path, Math.max(50, Math.ceil(count * scale))));
    noteWith(turn, peer, OVERWRITES.op, () => {
      const place = `${turn.path}:${Math.ceil(OVERWRITES.sizeMib * scale)}`;
      const [seconds, longest] = measuredOperation(OVERWRITES.op, place, Math.max(50, Math.ceil(OVERWRITES.count * scale)));
      note(peer.name, LONGEST, longest);
      return seconds;
    });
    turn.unmount();
  });
  const sources = ['bin', 'commands', 'core', 'fuse', 'scripts', 'shell', 'test'].filter((name) => existsSync(join(PROJECT_ROOT, name)));
  execFileSync('tar', ['cf', join(folder, 'few/sources.tar'), '-C', PROJECT_ROOT, ...sources]);
  // Others than root, as PostgreSQL, enter the mounts.
  for (const place of [folder, dirname(folder)]) if (basename(place).startsWith('vtftp-bench-')) chmodSync(place, 0o711);
  const programs = programRows(scale, rounds);
  turns([vtftpMount(program, 'vtftp', '-o allow_other'), ...bindfs, BIND_MOUNT], 'programs', (peer, own) => {
    using turn = new MountTurn(peer, own, few);
    turn.store();
    turn.mountCold();
    for (const { op, before, line, after, needs } of programs) {
      if (!areThere(needs)) continue;
      try {
        if (before !== undefined) turn.run(before);
        noteWith(turn, peer, op, () => turn.run(line));
      } catch (error) {
        notes.push(`${peer.name}, ${op}: ${error instanceof Error ? error.message : String(error)}`);
      } finally {
        if (after !== undefined) turn.run(`${after} || true`);
      }
    }
    turn.unmount();
  });
  const verdicts: Verdict[] = [];
  if (areThere(['sqlite3', 'setfattr'])) verdicts.push(growthVerdict(ours, join(folder, 'growth'), few));
  if (areThere(['setfattr'])) verdicts.push(recoveryVerdict(ours, join(folder, 'recovery'), few));
  const memory = memoryFolder(tmpfsFolder(sizeMib) ?? folder);
  try {
    turns([ours, ...bindfs, ...native], 'small', (peer, own) => {
      const here = join(memory, peer.name.replace(/\W+/g, '-'));
      using turn = new MountTurn(peer, here, join(memory, 'live'));
      mkdirSync(join(memory, 'live'), { recursive: true });
      turn.store();
      turn.mountCold();
      for (const op of SMALL_OPERATIONS) note(peer.name, op, operation(op, turn.path, Math.max(500, Math.ceil(20_000 * scale))));
      note(peer.name, 'write', operation('write', join(turn.path, 'large'), sizeMib));
      if (peer === ours)
        note(peer.name, 'synced', (times.get(peer.name)?.get('write')?.at(-1) ?? 0) + operation('fsync', join(turn.path, 'large'), 1));
      turn.unmount();
      rmSync(here, { recursive: true, force: true });
      rmSync(own, { recursive: true, force: true });
    });
    turns([ours], 'put', (peer) => {
      const here = join(memory, 'put');
      using turn = new MountTurn(peer, here, large);
      note('vtftp put', 'synced', turn.store());
      rmSync(here, { recursive: true, force: true });
    });
  } finally {
    rmSync(memory, { recursive: true, force: true });
  }
  rmSync(folder, { recursive: true, force: true });
  const limits = [...LIMITS, ...programs.map(({ op, limit }) => ({ op, to: [BIND_MOUNT.name], limit }))];
  return { table: tableOf(times, notes, scale), verdicts: [...verdictsOf(times, limits), ...verdicts], times };
}

/** Seconds that many operations of one sort take, in a process of their own. */
function operation(name: string, where: string, count: number): number {
  return measuredOperation(name, where, count)[0];
}

/** Seconds that many operations of one sort take together, and the longest of them, where each is measured. */
function measuredOperation(name: string, where: string, count: number): readonly [all: number, longest: number] {
  const child = fileURLToPath(new URL('./mount-ops.js', import.meta.url));
  const [all, longest] = execFileSync(process.execPath, [child, name, where, String(count)], { encoding: 'utf8' })
    .split(' ')
    .map(Number);
  return [all ?? Number.NaN, longest ?? Number.NaN];
}

/** A tmpfs with room for what is written. */
function tmpfsFolder(sizeMib: number): string | undefined {
  return [TMPFS, tmpdir()].find((folder) => {
    if (!existsSync(folder)) return false;
    const { type, bavail, bsize } = statfsSync(folder);
    return type === 0x01021994 && bavail * bsize > 3.5 * sizeMib * MIB;
  });
}

function secondsOf(times: MountTimes, name: string, op: string): number {
  return median(times.get(name)?.get(op) ?? []);
}

function verdictsOf(times: MountTimes, limits: readonly Limit[]): Verdict[] {
  const verdicts: Verdict[] = [];
  for (const { op, to, limit } of limits) {
    const others = to.map((name) => secondsOf(times, name, op)).filter(Number.isFinite);
    const reached = secondsOf(times, 'vtftp', op) / Math.min(...others);
    if (others.length === 0 || !Number.isFinite(reached)) continue;
    verdicts.push({ part: 'mount', what: `${op}, to ${to.join(' or ')}`, reached, limit, isReached: reached <= limit });
  }
  const longest = secondsOf(times, 'vtftp', LONGEST);
  const limit = OVERWRITES.maxSeconds;
  if (Number.isFinite(longest))
    verdicts.push({ part: 'mount', what: `${LONGEST}, seconds`, reached: longest, limit, isReached: longest <= limit });
  return verdicts;
}

function tableOf(times: MountTimes, notes: readonly string[], scale: number): string {
  const names = [...times.keys()];
  const ops = [...new Set([...times.values()].flatMap((each) => [...each.keys()]))].filter((op) => !op.endsWith(CPU));
  const both = (name: string, op: string): string => {
    const cpu = secondsOf(times, name, `${op}${CPU}`);
    return `${cell(secondsOf(times, name, op))}${Number.isFinite(cpu) ? ` (${cpu.toFixed(2)})` : ''}`;
  };
  const rows = ops.map((op) => `| ${op} | ${names.map((name) => both(name, op)).join(' | ')} |`);
  const what = `a file of ${Math.ceil(1024 * scale)} MiB read and written, ${Math.max(100, Math.round(20_000 * scale))} files read, small operations`;
  const says = `${what}; seconds, in brackets those of a processor that the mount's process took`;
  return [`### mount: ${says}`, '', `| | ${names.join(' | ')} |`, `|---|${'---|'.repeat(names.length)}`, ...rows, '', ...notes, ''].join(
    '\n',
  );
}

function cell(seconds: number): string {
  return Number.isFinite(seconds) ? seconds.toFixed(3) : '–';
}
