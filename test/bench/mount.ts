import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROJECT_ROOT } from '../support/project.ts';
import { median } from './measure.ts';
import type { MountPeer } from './mount-peers.ts';
import { BIND_MOUNT, BINDFS, isThere, MountTurn, READ_PEERS, vtftpMount } from './mount-peers.ts';
import type { Verdict } from './targets.ts';
import { MIB, makeRandomFile, makeTree } from './workloads.ts';

/** Seconds, by program and operation, one a round. */
export type MountTimes = Map<string, Map<string, number[]>>;

/** Operations on small things that are compared with bindfs over tmpfs. */
const SMALL_OPERATIONS = ['create', 'open', 'lookup', 'list', 'write4k', 'read4k', 'unlink'] as const;

/** Operations that wait for the disk, beside bindfs on the same disk; how many of each, and the most that they may take to its time. */
const SYNCED_OPERATIONS = [
  { op: 'page + fdatasync', count: 300, limit: 4 },
  { op: '64 KiB + fsync', count: 300, limit: 4 },
  { op: 'new file + fsync', count: 300, limit: 4 },
  { op: 'hard links', count: 16_000, limit: 5 },
] as const;

/** Work of programs on the same disk, each a shell line, and the most that it may take to its time on a bind mount. @param scale - of rows */
function programLines(scale: number): readonly { readonly op: string; readonly line: string; readonly limit: number }[] {
  const insert = `insert into t select value, hex(randomblob(25)) from generate_series(1, 100);`;
  const sqlite = (mode: string): string =>
    `{ echo "pragma journal_mode=${mode}; create table t(a, b);"; for i in $(seq ${Math.ceil(2000 * scale)}); do echo "${insert}"; done; } | sqlite3 $PATH_THERE/${mode}.db`;
  return [
    { op: 'SQLite, WAL', line: sqlite('wal'), limit: 1.5 },
    { op: 'SQLite, delete', line: sqlite('delete'), limit: 2.5 },
    { op: 'SQLite, persist', line: sqlite('persist'), limit: 3 },
    { op: 'tar x of sources', line: 'tar xf $FROM/../sources.tar -C $PATH_THERE', limit: 2 },
    { op: 'read sources', line: 'find $PATH_THERE -type f -name "*.ts" -exec cat {} + >/dev/null', limit: 1.5 },
    { op: 'rm of sources', line: 'rm -r $PATH_THERE/*', limit: 3 },
  ];
}

/** Our mount through libfuse 2. */
const NATIVE = 'vtftp, fuse-native';

/** The most that each may take, to the time of others. */
const LIMITS: readonly { readonly op: string; readonly to: readonly string[]; readonly limit: number }[] = [
  { op: 'read', to: ['squashfuse'], limit: 1 / 0.8 },
  { op: 'read', to: ['borg mount'], limit: 1 / 2 },
  { op: 'scattered', to: ['squashfuse'], limit: 1 / 0.5 },
  ...['find', 'ls -lR', 'tar c'].map((op) => ({ op, to: ['borg mount', 'restic mount'], limit: 0.35 })),
  ...SMALL_OPERATIONS.map((op) => ({ op, to: ['bindfs'], limit: 1 / 0.5 })),
  ...SMALL_OPERATIONS.map((op) => ({ op, to: [NATIVE], limit: 1 / 2 })),
  ...SYNCED_OPERATIONS.map(({ op, limit }) => ({ op, to: ['bindfs'], limit })),
  ...programLines(1).map(({ op, limit }) => ({ op, to: [BIND_MOUNT.name], limit })),
  { op: 'write', to: ['bindfs'], limit: 1 / 0.7 },
  { op: 'synced', to: ['vtftp put'], limit: 1 / 0.6 },
];

/**
 * Mounts of ours and of others, in turns: a large file and a tree read with all caches cold, and small operations and a large
 * file written beside bindfs over tmpfs.
 */
export function benchMount(
  program: string,
  folder: string,
  { rounds, scale }: { readonly rounds: number; readonly scale: number },
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
  const native = vtftpMount(program, NATIVE, '-o driver=fuse-native');
  // The others can only be read.
  const readOnly = vtftpMount(program, 'vtftp', '-o ro');
  const [large, tree] = [join(folder, 'large/live'), join(folder, 'tree/live')];
  const sizeMib = Math.ceil(1024 * scale);
  mkdirSync(large, { recursive: true });
  makeRandomFile(join(large, 'random'), sizeMib * MIB);
  mkdirSync(join(folder, 'tree'));
  makeTree(tree, Math.max(100, Math.round(20_000 * scale)));

  turns([readOnly, ...READ_PEERS], 'large', (peer, own) => {
    using turn = new MountTurn(peer, own, large);
    turn.store();
    turn.mountCold();
    note(peer.name, 'read', turn.run('dd if=$PATH_THERE/random of=/dev/null bs=1M'));
    turn.unmount();
    turn.mountCold();
    note(peer.name, 'scattered', operation('scattered', join(turn.path, 'random'), Math.ceil(8000 * scale)));
    turn.unmount();
  });
  turns([readOnly, ...READ_PEERS.filter((peer) => peer.name !== 'squashfuse')], 'tree', (peer, own) => {
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
  });
  rmSync(tree, { recursive: true });
  const few = join(folder, 'few/live');
  mkdirSync(few, { recursive: true });
  turns([ours, BINDFS], 'disk', (peer, own) => {
    using turn = new MountTurn(peer, own, few);
    turn.store();
    turn.mountCold();
    for (const { op, count } of SYNCED_OPERATIONS) note(peer.name, op, operation(op, turn.path, Math.max(50, Math.ceil(count * scale))));
    turn.unmount();
  });
  const sources = ['commands', 'core', 'fuse', 'shell', 'test'];
  execFileSync('tar', ['cf', join(folder, 'few/sources.tar'), '-C', PROJECT_ROOT, ...sources]);
  turns([ours, BINDFS, BIND_MOUNT], 'programs', (peer, own) => {
    using turn = new MountTurn(peer, own, few);
    turn.store();
    turn.mountCold();
    for (const { op, line } of programLines(scale)) note(peer.name, op, turn.run(line));
    turn.unmount();
  });
  const memory = mkdtempSync(join(tmpfsFolder(sizeMib) ?? folder, 'vtftp-bench-'));
  try {
    turns([ours, BINDFS, native], 'small', (peer, own) => {
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
  return { table: tableOf(times, notes, scale), verdicts: verdictsOf(times), times };
}

/** Seconds that many operations of one sort take, in a process of their own. */
function operation(name: string, where: string, count: number): number {
  const child = fileURLToPath(new URL('./mount-ops.js', import.meta.url));
  return Number(execFileSync(process.execPath, [child, name, where, String(count)], { encoding: 'utf8' }));
}

/** A tmpfs with room for what is written. */
function tmpfsFolder(sizeMib: number): string | undefined {
  return ['/dev/shm', tmpdir()].find((folder) => {
    if (!existsSync(folder)) return false;
    const { type, bavail, bsize } = statfsSync(folder);
    return type === 0x01021994 && bavail * bsize > 3.5 * sizeMib * MIB;
  });
}

function secondsOf(times: MountTimes, name: string, op: string): number {
  return median(times.get(name)?.get(op) ?? []);
}

function verdictsOf(times: MountTimes): Verdict[] {
  const verdicts: Verdict[] = [];
  for (const { op, to, limit } of LIMITS) {
    const others = to.map((name) => secondsOf(times, name, op)).filter(Number.isFinite);
    const reached = secondsOf(times, 'vtftp', op) / Math.min(...others);
    if (others.length === 0 || !Number.isFinite(reached)) continue;
    verdicts.push({ part: 'mount', what: `${op}, to ${to.join(' or ')}`, reached, limit, isReached: reached <= limit });
  }
  return verdicts;
}

function tableOf(times: MountTimes, notes: readonly string[], scale: number): string {
  const names = [...times.keys()];
  const ops = [...new Set([...times.values()].flatMap((each) => [...each.keys()]))];
  const rows = ops.map((op) => `| ${op} | ${names.map((name) => cell(secondsOf(times, name, op))).join(' | ')} |`);
  const says = `a file of ${Math.ceil(1024 * scale)} MiB read and written, ${Math.max(100, Math.round(20_000 * scale))} files read, small operations; seconds`;
  return [`### mount: ${says}`, '', `| | ${names.join(' | ')} |`, `|---|${'---|'.repeat(names.length)}`, ...rows, '', ...notes, ''].join(
    '\n',
  );
}

function cell(seconds: number): string {
  return Number.isFinite(seconds) ? seconds.toFixed(3) : '–';
}
