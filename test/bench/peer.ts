import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchSshd } from '../support/links/sshd.ts';
import { isInstalled } from '../support/needed-programs.ts';
import { measure, median, settle } from './measure.ts';
import { Server } from './server.ts';
import type { Verdict } from './targets.ts';
import { MIB, makeRandomFile, makeTree } from './workloads.ts';

/** Seconds by row, one a round. */
export type PeerTimes = Map<string, number[]>;

const TABLE: readonly (readonly [row: string, says: string])[] = [
  ['put', 'put of 1 GiB here'],
  ['unix', 'push of 1 GiB, UNIX socket'],
  ['tcp', 'push of 1 GiB, TCP'],
  ['cat', 'cat of 1 GiB through ssh'],
  ['ssh', 'push of 1 GiB through ssh'],
  ['rsync', 'rsync of 20,000 files through ssh'],
  ['tree', 'push of 20,000 files through ssh'],
  ['rest', 'push of them, all but 1 % there'],
  ['nothing', 'push of them, all there'],
  ['rsync both', 'rsync of 1 GiB and 20,000 files through ssh'],
  ['restic both', 'restic backup of 1 GiB and 20,000 files over sftp'],
  ['both', 'push of 1 GiB and 20,000 files through ssh'],
];

/** The most that a row may take, to another. */
const LIMITS: readonly { readonly row: string; readonly to: string; readonly limit: number }[] = [
  { row: 'unix', to: 'put', limit: 1 / 0.7 },
  { row: 'tcp', to: 'put', limit: 1 / 0.6 },
  { row: 'ssh', to: 'cat', limit: 1 },
  { row: 'tree', to: 'rsync', limit: 0.5 },
  { row: 'both', to: 'rsync both', limit: 0.8 },
  { row: 'both', to: 'restic both', limit: 0.8 },
];

/** Pushes to a peer on this machine, by a socket, TCP and a real sshd, in turns with what they are measured by. */
export function benchPeers(
  program: string,
  folder: string,
  { rounds, scale }: { readonly rounds: number; readonly scale: number },
): { readonly table: string; readonly verdicts: readonly Verdict[]; readonly times: PeerTimes } {
  const times: PeerTimes = new Map();
  const note = (row: string, seconds: number): void => void times.set(row, [...(times.get(row) ?? []), seconds]);
  const at = (name: string): string => join(folder, name);
  const env = { HOME: folder, XDG_RUNTIME_DIR: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  const vtftp = `"${process.execPath}" "${program}" -q`;
  const seconds = (line: string): number => measure(line, env, folder).seconds;
  const fresh = (): void => {
    rmSync(at('peer'), { recursive: true, force: true });
    seconds(`${vtftp} -S ./peer -c "mkdir own; quit"`);
    settle();
  };
  mkdirSync(at('large'), { recursive: true });
  makeRandomFile(at('large/random'), Math.ceil(1024 * scale) * MIB);
  makeTree(at('tree'), Math.max(100, Math.round(20_000 * scale)));
  seconds(`${vtftp} -S ./here-large -c "put large /; quit"`);
  seconds(`${vtftp} -S ./here-tree -c "put tree /; quit"`);
  seconds(`${vtftp} -S ./here-both -c "put large tree /; quit"`);
  const sshd = scratchSshd(folder);
  const hasRestic = isInstalled('restic');
  try {
    const words = sshd?.ssh.map((word) => `'${word}'`).join(' ') ?? '';
    const there = `cd ${folder} && HOME=${folder} XDG_RUNTIME_DIR=${folder} ${vtftp.replaceAll('"', '')} -S ./peer -c \\"serve -\\"`;
    writeFileSync(at('by-ssh'), `push -b --peer "!${words} '${there}'"\n`);
    for (let round = 0; round < rounds; round++) {
      settle(at('large'), at('here-large'));
      rmSync(at('put'), { recursive: true, force: true });
      note('put', seconds(`${vtftp} -S ./put -c "put large /; quit"`));
      rmSync(at('put'), { recursive: true, force: true });
      for (const [row, address] of [
        ['unix', `unix:${at('peer.sock')}`],
        ['tcp', 'tcp:0'],
      ] as const) {
        fresh();
        using server = new Server(program, folder, address, { env });
        note(row, seconds(`${vtftp} -S ./here-large -c "push -b --peer ${server.address}"`));
      }
      if (sshd === undefined) continue;
      note('cat', seconds(`${words} 'cat >/dev/null' < large/random`));
      fresh();
      note('ssh', seconds(`${vtftp} -S ./here-large -b by-ssh`));
      settle(at('tree'), at('here-tree'));
      const shell = sshd.ssh.slice(0, -1).join(' ');
      const rsync = (what: string, to: string): number =>
        seconds(`rsync -aH -e "${shell}" ${what} "${sshd.ssh.at(-1) ?? ''}:${at(`${to}-${round}`)}"`);
      note('rsync', rsync('tree', 'rsynced'));
      fresh();
      note('tree', seconds(`${vtftp} -S ./here-tree -b by-ssh`));
      note('nothing', seconds(`${vtftp} -S ./here-tree -b by-ssh`));
      changeSome(at('tree'), round);
      seconds(`${vtftp} -S ./here-tree -c "put tree /; quit"`);
      note('rest', seconds(`${vtftp} -S ./here-tree -b by-ssh`));
      settle(at('large'), at('tree'), at('here-both'));
      note('rsync both', rsync('large tree', 'rsynced-both'));
      if (hasRestic) {
        const restic = `RESTIC_PASSWORD=x restic -q -o sftp.command="${shell} ${sshd.ssh.at(-1) ?? ''} -s sftp" -r sftp:peer:${at(`restic-${round}`)}`;
        seconds(`${restic} init`);
        settle();
        note('restic both', seconds(`${restic} backup large tree`));
        rmSync(at(`restic-${round}`), { recursive: true, force: true });
      }
      fresh();
      note('both', seconds(`${vtftp} -S ./here-both -b by-ssh`));
      for (const copy of ['rsynced', 'rsynced-both']) rmSync(at(`${copy}-${round}`), { recursive: true, force: true });
    }
  } finally {
    sshd?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return { table: tableOf(times, scale), verdicts: verdictsOf(times), times };
}

/** Gives one file of a hundred other octets. */
export function changeSome(tree: string, round: number): void {
  const found = spawnSync('find', [tree, '-type', 'f', '-size', '+0', '-links', '1'], { encoding: 'utf8', maxBuffer: 64 * MIB });
  const files = found.stdout.trim().split('\n').sort();
  for (let i = 0; i < files.length; i += 100) {
    const file = files[i] ?? '';
    const data = readFileSync(file);
    data.writeUInt8((data.readUInt8(0) + 1 + round) & 0xff, 0);
    writeFileSync(file, data);
    utimesSync(file, 1_700_000_000, 1_700_000_000 + round);
  }
}

function tableOf(times: PeerTimes, scale: number): string {
  const rows = TABLE.map(([row, says]) => {
    const value = median(times.get(row) ?? []);
    const ratios = LIMITS.filter((limit) => limit.row === row)
      .map(({ to }) => value / median(times.get(to) ?? []))
      .filter(Number.isFinite);
    const ratio = ratios.map((each) => each.toFixed(2)).join(', ');
    return `| ${says} | ${Number.isFinite(value) ? value.toFixed(2) : '–'} | ${ratio} |`;
  });
  const size = scale === 1 ? '' : `, at 1/${Math.round(1 / scale)} of these sizes`;
  return [`### peer: pushes to a peer on this machine${size}`, '', '| | s | ratio |', '|---|---|---|', ...rows, ''].join('\n');
}

function verdictsOf(times: PeerTimes): Verdict[] {
  return LIMITS.flatMap(({ row, to, limit }) => {
    const reached = median(times.get(row) ?? []) / median(times.get(to) ?? []);
    return Number.isFinite(reached) ? [{ part: 'peer', what: `${row}, to ${to}`, reached, limit, isReached: reached <= limit }] : [];
  });
}
