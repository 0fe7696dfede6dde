import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Scratch } from '../scratch.ts';

/** A real sshd on loopback with keys of its own, and the command that logs in to it. */
export interface SshServer {
  /** Words of an ssh command line, to which what runs there is added. What is in the folder `bin` beside its files is on the PATH there. */
  readonly ssh: readonly string[];
}

const SSHD = '/usr/sbin/sshd';

/** Starts an sshd that ends with the test. */
export async function startSshd(scratch: Scratch): Promise<SshServer> {
  const port = await freePort();
  const { ssh, config } = configure((name) => scratch.path(name), port, HERE.address);
  const child = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`sshd ended: ${said}`);
  });
  ended.catch(() => undefined);
  scratch.beforeRemoval(() => child.kill('SIGTERM'));
  await Promise.race([answers(port), ended]);
  return { ssh };
}

/** Ports that are tried one after the other by {@link scratchSshd}. */
const FIRST_PORT = 22_022;
const MOST_PORTS = 50;

/** Where an sshd runs and is reached: in network namespaces, with the words before a command line that enter them. */
export interface SshPlace {
  readonly address: string;
  readonly enterServer: readonly string[];
  readonly enterClient: readonly string[];
}

const HERE: SshPlace = { address: '127.0.0.1', enterServer: [], enterClient: [] };

/** Starts an sshd with its files in a folder, for programs that wait for nothing; undefined where there is none. */
export function scratchSshd(folder: string, place = HERE): (SshServer & { stop(): void }) | undefined {
  if (!existsSync(SSHD)) return undefined;
  const run = ([program = '', ...args]: readonly string[]): boolean => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
  for (let port = FIRST_PORT; port < FIRST_PORT + MOST_PORTS; port++) {
    const { ssh, config } = configure((name) => join(folder, name), port, place.address);
    // It goes into the background once it listens, and writes its number down.
    const pidFile = join(folder, 'sshd.pid');
    if (run([...place.enterServer, SSHD, '-f', config]) && run([...place.enterClient, ...ssh, 'true']))
      return { ssh, stop: () => process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM') };
  }
  return undefined;
}

/** Makes keys, where there are none, and a configuration. */
function configure(path: (name: string) => string, port: number, address: string): SshServer & { readonly config: string } {
  const key = path('id_ed25519');
  const hostKey = path('host_ed25519');
  for (const file of [key, hostKey]) {
    if (existsSync(file)) continue;
    const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
  }
  copyFileSync(`${key}.pub`, path('authorized_keys'));
  const config = path('sshd_config');
  writeFileSync(
    config,
    [
      `ListenAddress ${address}`,
      `Port ${port}`,
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${path('authorized_keys')}`,
      `PidFile ${path('sshd.pid')}`,
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'StrictModes no',
      'UsePAM no',
      'Subsystem sftp internal-sftp',
      `SetEnv PATH=${path('bin')}:/usr/local/bin:/usr/bin:/bin`,
      'LogLevel ERROR',
      '',
    ].join('\n'),
  );
  // Where it puts its unprivileged half; Debian makes it when the machine starts.
  if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
  const options = ['-F', 'none', '-i', key, '-p', String(port), '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no'];
  const host = `${userInfo().username}@${address}`;
  return { ssh: ['ssh', ...options, '-o', `UserKnownHostsFile=${path('known_hosts')}`, '-o', 'LogLevel=ERROR', host], config };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Resolves when somebody listens on a port of this machine. */
async function answers(port: number): Promise<void> {
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1' });
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isThere) return;
  }
}
