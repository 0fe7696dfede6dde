import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attackWebServer } from '../../support/hostile-clients/attack-web-server.ts';
import { HOSTILE_WEB_CLIENTS } from '../../support/hostile-clients/hostile-web-clients.ts';
import { serve } from '../../support/links/served-program.ts';
import { vtftp } from '../../support/program.ts';
import type { Torture } from '../torture-kind.ts';
import { TortureTally } from '../torture-kind.ts';

const MAX_WAIT_MS = 1000;
const MAX_MB = 400;
/** Seconds that each attack takes. */
const SECONDS = 8;

const SECRETS = { hostile: 'a-secret-of-somebody-hostile', honest: 'a-secret-of-somebody-honest' } as const;

/** Hostile clients of a writable HTTP server beside an honest one; a round is one kind, and the last all of them. */
export const webAttack: Torture = {
  name: 'web',
  does: `${HOSTILE_WEB_CLIENTS.length} kinds of hostile client of a writable HTTP server next to an honest one, each alone and all at once`,
  promise: `the honest one is served within ${MAX_WAIT_MS / 1000} s; the server uses ≤ ${MAX_MB} MB, and its Store is intact`,
  fullRounds: HOSTILE_WEB_CLIENTS.length + 1,
  async run(limits) {
    const tally = new TortureTally(limits);
    const { folder } = limits;
    const env = { HOME: folder, XDG_RUNTIME_DIR: folder, XDG_CACHE_HOME: join(folder, 'cache'), TERM: 'dumb' };
    const path = (name: string): string => join(folder, name);
    mkdirSync(path('tree'));
    writeFileSync(path('tree/file'), 'honest\n');
    writeFileSync(path('rights'), `hostile ${SECRETS.hostile} add\nhonest ${SECRETS.honest} add\n`, { mode: 0o600 });
    let slowest = { ms: 0, what: '' };
    let peakMb = 0;
    while (tally.goesOn) {
      const only = HOSTILE_WEB_CLIENTS[tally.rounds % (HOSTILE_WEB_CLIENTS.length + 1)]?.name;
      const what = only ?? 'all of them';
      tally.count('kinds');
      const run = async (line: string) => await vtftp(['-S', path('store'), '-c', line], { env });
      const put = await run(`put ${path('tree')} tree; quit`);
      if (put.status !== 0) throw new Error(put.report);
      const endings: (() => void)[] = [];
      const served = await serve(
        { env, beforeRemoval: (end) => void endings.push(end) },
        path('store'),
        `httpd --rights ${path('rights')} 0`,
      );
      try {
        const { longestMs, longest, memory } = await attackWebServer({
          served,
          hostileToken: SECRETS.hostile,
          honestToken: SECRETS.honest,
          rounds: 1,
          seconds: SECONDS,
          maxSeconds: 6 * SECONDS,
          ...(only === undefined ? {} : { only }),
        });
        if (longestMs > slowest.ms) slowest = { ms: longestMs, what: `${what}: ${longest}` };
        peakMb = Math.max(peakMb, memory.peak);
        if (longestMs > MAX_WAIT_MS) tally.fault(`${what}: the honest client waited ${Math.round(longestMs)} ms for ${longest}`);
        if (memory.peak > MAX_MB) tally.fault(`${what}: the server took ${Math.round(memory.peak)} MB`);
        await served.stop();
        const checked = await run('ls tree; fsck');
        if (checked.status !== 0) tally.fault(`${what}: ${checked.report}`);
      } catch (error) {
        tally.fault(`${what}: ${error instanceof Error ? error.message : String(error)}`);
        for (const end of endings) end();
      }
      rmSync(path('store'), { recursive: true, force: true });
    }
    return tally.result(`${Math.round(slowest.ms)} ms at most (${slowest.what}), ${Math.round(peakMb)} MB`);
  },
};
