import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attackServer } from '../../support/hostile-clients/attack-server.ts';
import { HOSTILE_CLIENTS } from '../../support/hostile-clients/hostile-clients.ts';
import { serve } from '../../support/links/served-program.ts';
import { makeAuthority, makeCertificate, tlsFiles } from '../../support/links/tls-files.ts';
import { vtftp } from '../../support/program.ts';
import type { Torture } from '../torture-kind.ts';
import { TortureTally } from '../torture-kind.ts';

const MAX_WAIT_MS = 1000;
const MAX_MB = 300;
const MAX_REST_MS = 100;
const MAX_REST_AFTER_MS = 2000;
/** Seconds that each attack takes: of all together, and of one alone. */
const SECONDS = 10;
const ONE_SECONDS = 4;

const KINDS = ['', '--read-only', '--append-only', 'secret', 'tls'] as const;
/** Each way to serve beside all of them; then each of them alone, which tells who it is that holds others up. */
const ROUNDS: readonly { readonly kind: (typeof KINDS)[number]; readonly only?: string }[] = [
  ...KINDS.map((kind) => ({ kind })),
  ...HOSTILE_CLIENTS.map(({ name }) => ({ kind: '' as const, only: name })),
];

/** Hostile clients beside an honest one; a round is one way to serve, or one hostile client. */
export const clientsAttack: Torture = {
  name: 'clients',
  does: `${HOSTILE_CLIENTS.length} hostile clients next to an honest one, with and without secret, TLS, --read-only, --append-only, then each alone`,
  promise: `the honest one is served within ${MAX_WAIT_MS / 1000} s; the server uses ≤ ${MAX_MB} MB, and is idle afterwards`,
  fullRounds: ROUNDS.length,
  async run(limits) {
    const tally = new TortureTally(limits);
    const { folder } = limits;
    const env = { HOME: folder, XDG_RUNTIME_DIR: folder, XDG_CACHE_HOME: join(folder, 'cache'), TERM: 'dumb' };
    const path = (name: string): string => join(folder, name);
    mkdirSync(path('tree'));
    writeFileSync(path('tree/file'), 'honest\n');
    writeFileSync(path('secret'), 'a secret of some length', { mode: 0o600 });
    makeAuthority(folder, 'ca');
    makeCertificate(folder, 'host', 'ca', 'IP:127.0.0.1');
    makeCertificate(folder, 'me', 'ca', 'DNS:me');
    const files = tlsFiles(folder, 'me', 'ca');
    const shown = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8'), ca: readFileSync(files.ca, 'utf8') };
    const figures: string[] = [];
    while (tally.goesOn) {
      const { kind, only } = ROUNDS[tally.rounds % ROUNDS.length] ?? { kind: '' };
      const name = only ?? (kind === '' ? 'plain' : kind);
      tally.count(only === undefined ? name : 'alone');
      const isTls = kind === 'tls';
      const options = isTls
        ? `--tls-cert ${path('host.pem')} --tls-key ${path('host.key')} --tls-ca ${path('ca.pem')} tcp:127.0.0.1:0`
        : `${kind === 'secret' ? `--secret ${path('secret')}` : kind} unix:${path('socket')}`;
      const put = await vtftp(['-S', path('store'), '-c', `put ${path('tree')} tree; quit`], { env });
      if (put.status !== 0) throw new Error(put.report);
      const endings: (() => void)[] = [];
      const served = await serve({ env, beforeRemoval: (end) => void endings.push(end) }, path('store'), `serve ${options}`);
      try {
        const { longestMs, aloneMs, memory, restAfterMs, rounds } = await attackServer({
          served,
          only,
          seconds: only === undefined ? SECONDS : ONE_SECONDS,
          rounds: 1,
          maxSeconds: 6 * SECONDS,
          maxRestMs: MAX_REST_MS,
          tls: isTls ? shown : undefined,
          type: isTls ? 'tcp' : 'unix',
          parameters: isTls
            ? { address: served.address.slice('tcp:'.length), ...files }
            : { path: path('socket'), ...(kind === 'secret' ? { secret: path('secret') } : {}) },
          isReadOnly: kind === '--read-only',
        });
        figures.push(
          `${name}: ${rounds} times, ${Math.round(longestMs)} ms (${Math.round(aloneMs)} beside nobody), ${Math.round(memory.peak)} MB`,
        );
        if (longestMs > MAX_WAIT_MS) tally.fault(`${name}: the honest client waited ${Math.round(longestMs)} ms`);
        if (memory.peak > MAX_MB) tally.fault(`${name}: the server took ${Math.round(memory.peak)} MB`);
        if (restAfterMs === undefined || restAfterMs > MAX_REST_AFTER_MS) tally.fault(`${name}: no rest after ${restAfterMs ?? 'all'} ms`);
        await served.stop();
      } catch (error) {
        tally.fault(`${name}: ${error instanceof Error ? error.message : String(error)}`);
        for (const end of endings) end();
      }
      rmSync(path('store'), { recursive: true, force: true });
    }
    return tally.result(figures.join('; '));
  },
};
