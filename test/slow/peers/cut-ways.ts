import { join } from 'node:path';
import type { CuttingRelay } from '../../support/links/cutting-relay.ts';
import { startCuttingRelay } from '../../support/links/cutting-relay.ts';
import { serve } from '../../support/links/served-program.ts';
import { scratchSshd } from '../../support/links/sshd.ts';
import { makeAuthority, makeCertificate } from '../../support/links/tls-files.ts';
import type { Run } from '../../support/program.ts';
import { PROGRAM, vtftp } from '../../support/program.ts';

/** What a command may end with where its connection was cut: done, failed, or it could not be opened. */
export const CUT_STATUSES = [0, 1, 10];

/** A way to the Store `server`, through a relay. */
export interface Way {
  readonly name: string;
  readonly specification: string;
  readonly relay: CuttingRelay;
}

/** Where the Stores are, and what programs run in. */
export interface Place {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs commands on a Store, which nothing disturbs. */
export async function on({ folder, env }: Place, store: string, commands: string): Promise<Run> {
  return await vtftp(['-S', join(folder, store), '-c', commands], { env, cwd: folder });
}

/** Serves the Store `server` in each way. @param endings - get what is to be done in the end */
export async function waysTo({ folder, env }: Place, endings: (() => void)[]): Promise<[Way, ...Way[]]> {
  const store = join(folder, 'server');
  const scratch = { env, beforeRemoval: (end: () => void) => void endings.push(end) };
  const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));
  const tcp = await startCuttingRelay(portOf((await serve(scratch, store, 'serve tcp:0')).address));
  makeAuthority(folder, 'authority');
  for (const name of ['host', 'client']) makeCertificate(folder, name, 'authority', 'IP:127.0.0.1');
  const at = (name: string): string => join(folder, name);
  const secured = `serve --tls-cert ${at('host.pem')} --tls-key ${at('host.key')} --tls-ca ${at('authority.pem')} tcp:0`;
  const tls = await startCuttingRelay(portOf((await serve(scratch, store, secured)).address.replace(/,.*/, '')));
  const keys = `cert=${at('client.pem')},key=${at('client.key')},ca=${at('authority.pem')}`;
  const ways: [Way, ...Way[]] = [
    { name: 'TCP', specification: `tcp:127.0.0.1:${tcp.port}`, relay: tcp },
    { name: 'TLS', specification: `tcp:127.0.0.1:${tls.port},${keys}`, relay: tls },
  ];
  const sshd = scratchSshd(folder);
  if (sshd === undefined) return ways;
  endings.push(() => sshd.stop());
  const portAt = sshd.ssh.indexOf('-p') + 1;
  const ssh = await startCuttingRelay(Number(sshd.ssh[portAt]));
  const words = sshd.ssh.with(portAt, String(ssh.port)).map((word) => `'${word}'`);
  const there = `env HOME=${env['HOME'] ?? ''} ${process.execPath} ${PROGRAM} -S ${store} -c "serve -"`;
  ways.push({ name: 'ssh', specification: `!${words.join(' ')} '${there}'`, relay: ssh });
  return ways;
}
