import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SlowLink } from '../support/links/slow-link.ts';
import { scratchSshd } from '../support/links/sshd.ts';
import { measure, median } from './measure.ts';
import { Server } from './server.ts';
import type { Verdict } from './targets.ts';
import { MIB, makeRandomFile } from './workloads.ts';

/** A long way with losses: 50 ms there and back. */
const QUALITY = { delayMs: 25, lossPercent: 1, seed: 7 };

/** What is sent, at some 2.5 MB/s: how connections begin is a small part of it. */
const SIZE = 64 * MIB;

const TABLE: readonly (readonly [row: string, says: string])[] = [
  ['scp', 'scp'],
  ['ssh', 'push through ssh'],
  ['tcp', 'push, TCP'],
  ['pull', 'pull, TCP'],
  ['http', 'pull, HTTP'],
];

/** The least speeds, each to that of another. */
const LIMITS: readonly { readonly row: string; readonly to: string; readonly limit: number }[] = [
  { row: 'ssh', to: 'scp', limit: 0.8 },
  { row: 'tcp', to: 'scp', limit: 0.8 },
  { row: 'http', to: 'pull', limit: 0.9 },
];

/** Pushes and pulls by a link of 50 ms and 1 % loss between two network namespaces, beside scp of the same octets by the same link. */
export function benchLink(
  program: string,
  folder: string,
  { rounds, scale }: { readonly rounds: number; readonly scale: number },
): { readonly table: string; readonly verdicts: readonly Verdict[]; readonly times: ReadonlyMap<string, readonly number[]> } {
  const title = `### link: ${Math.round((SIZE * scale) / MIB)} MiB of random bytes over 50 ms and 1 % loss`;
  const reason = SlowLink.unable();
  if (reason !== undefined) return { table: `${title}\n\nnot measured: ${reason}\n`, verdicts: [], times: new Map() };
  const times = new Map<string, number[]>(TABLE.map(([row]) => [row, []]));
  const at = (name: string): string => join(folder, name);
  mkdirSync(at('source'), { recursive: true });
  try {
    using link = new SlowLink(folder, QUALITY);
    const { near, far } = link;
    const sshd = scratchSshd(folder, { address: far.address, enterServer: far.enter, enterClient: near.enter });
    if (sshd === undefined) return { table: `${title}\n\nnot measured: no sshd\n`, verdicts: [], times };
    using _stop = { [Symbol.dispose]: () => sshd.stop() };
    const env = { HOME: folder, XDG_RUNTIME_DIR: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
    const vtftp = `"${process.execPath}" "${program}" -q`;
    const note = (row: string, line: string): void => {
      times.get(row)?.push(measure(`${near.enter.join(' ')} ${line}`, env, folder).seconds);
    };
    const fresh = (): void => {
      rmSync(at('peer'), { recursive: true, force: true });
      measure(`${vtftp} -S ./peer -c "mkdir own; quit"`, env, folder);
    };
    makeRandomFile(at('source/random'), Math.ceil(SIZE * scale));
    measure(`${vtftp} -S ./here -c "put source /; quit"`, env, folder);
    writeFileSync(at('secret'), 'sixteen-octets-and-more\n', { mode: 0o600 });
    const there = `cd ${folder} && HOME=${folder} XDG_RUNTIME_DIR=${folder} ${vtftp.replaceAll('"', '')} -S ./peer -c \\"serve -\\"`;
    writeFileSync(at('by-ssh'), `push -b --peer "!${sshd.ssh.map((word) => `'${word}'`).join(' ')} '${there}'"\n`);
    const [host = ''] = sshd.ssh.slice(-1);
    const scp = ['scp', ...sshd.ssh.slice(1, -1).map((word) => (word === '-p' ? '-P' : word))].join(' ');
    for (let round = 0; round < rounds; round++) {
      note('scp', `${scp} source/random ${host}:${at('copied')}`);
      fresh();
      note('ssh', `${vtftp} -S ./here -b by-ssh`);
      fresh();
      {
        using server = new Server(program, folder, `tcp:${far.address}:0`, { env, enter: far.enter, options: `--secret ${at('secret')}` });
        note('tcp', `${vtftp} -S ./here -c "push -b --peer ${server.address},secret=${at('secret')}"`);
      }
      for (const [row, command, option, address] of [
        ['pull', 'serve', 'secret', `tcp:${far.address}:0`],
        ['http', 'httpd', 'token', `${far.address}:0`],
      ] as const) {
        rmSync(at('pulled'), { recursive: true, force: true });
        using server = new Server(program, folder, address, {
          env,
          enter: far.enter,
          command,
          options: `--${option} ${at('secret')}`,
          store: './here',
        });
        note(row, `${vtftp} -S ./pulled -c "pull --peer ${server.address},${option}=${at('secret')}"`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { table: `${title}\n\n${tableOf(times)}`, verdicts: verdictsOf(times), times };
}

function speedTo(times: ReadonlyMap<string, readonly number[]>, row: string, to: string): number {
  return median(times.get(to) ?? []) / median(times.get(row) ?? []);
}

function tableOf(times: ReadonlyMap<string, readonly number[]>): string {
  const rows = TABLE.map(([row, says]) => {
    const value = median(times.get(row) ?? []);
    return `| ${says} | ${value.toFixed(1)} | ${row === 'scp' ? '' : speedTo(times, row, 'scp').toFixed(2)} |`;
  });
  return ['| | s | of the speed of scp |', '|---|---|---|', ...rows, ''].join('\n');
}

function verdictsOf(times: ReadonlyMap<string, readonly number[]>): Verdict[] {
  const says = new Map(TABLE);
  return LIMITS.map(({ row, to, limit }) => {
    const reached = 1 / speedTo(times, row, to);
    return { part: 'link', what: `${says.get(row)}, to ${says.get(to)}`, reached, limit: 1 / limit, isReached: reached <= 1 / limit };
  });
}
