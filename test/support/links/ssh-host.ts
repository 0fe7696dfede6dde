import { mkdirSync, writeFileSync } from 'node:fs';
import { PROGRAM } from '../program.ts';
import type { Scratch } from '../scratch.ts';
import { startSshd } from './sshd.ts';

/** Another machine behind a real sshd, as a user's configuration of ssh has it. */
export interface SshHost {
  /** In which its name leads to it, for whoever runs `ssh`. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes the `vtftp` of the other machine: a script of sh. */
  install(script: string): void;
}

/** A word of a line of sh. */
export const shellQuoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * Starts an sshd. What the configuration of ssh says comes from a file of the test.
 *
 * @param name - what the host is called
 */
export async function startSshHost(scratch: Scratch, name: string): Promise<SshHost> {
  mkdirSync(scratch.path('bin'));
  mkdirSync(scratch.path('here'));
  const { ssh } = await startSshd(scratch);
  const option = (letter: string): string => ssh[ssh.indexOf(letter) + 1] ?? '';
  const [user = '', address = ''] = (ssh.at(-1) ?? '').split('@');
  const config = [
    `Host ${name}`,
    `  HostName ${address}`,
    `  Port ${option('-p')}`,
    `  User ${user}`,
    `  IdentityFile ${option('-i')}`,
    '  BatchMode yes',
    '  StrictHostKeyChecking no',
    `  UserKnownHostsFile ${scratch.path('known_hosts')}`,
    '  LogLevel ERROR',
    '',
  ];
  writeFileSync(scratch.path('config'), config.join('\n'));
  const own = `#!/bin/sh\nexec /usr/bin/ssh -F ${shellQuoted(scratch.path('config'))} "$@"\n`;
  writeFileSync(scratch.path('here/ssh'), own, { mode: 0o755 });
  return {
    env: { ...scratch.env, PATH: `${scratch.path('here')}:${process.env['PATH'] ?? ''}` },
    install: (script) => writeFileSync(scratch.path('bin/vtftp'), `#!/bin/sh\n${script}\n`, { mode: 0o755 }),
  };
}

/** A line of sh that runs the program in an environment of its own. */
export function programWith(env: Readonly<Record<string, string>>): string {
  const settings = Object.entries(env).map(([name, value]) => shellQuoted(`${name}=${value}`));
  return `exec env ${settings.join(' ')} ${shellQuoted(process.execPath)} ${shellQuoted(PROGRAM)} "$@"`;
}
