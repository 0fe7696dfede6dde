import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { BOMBS } from '../../support/bombs/bombs.ts';
import { faultsOfMount, lookInMount } from '../../support/bombs/look-in-mount.ts';
import { storeBomb } from '../../support/bombs/store-bombs.ts';
import { BOMB_COMMANDS, faultOf, tryBomb } from '../../support/bombs/try-bomb.ts';
import { noMountsHere } from '../../support/mounts/mounted.ts';
import { run } from '../../support/program.ts';
import type { Torture } from '../torture-kind.ts';
import { TortureTally } from '../torture-kind.ts';

const LIMITS = { afterMs: 1000, mb: 400 };
/** Milliseconds that a command may work before it is interrupted. */
const INTERRUPT_MS = 3000;

/** Each bomb with each command; a round is a bomb. */
export const bombsAttack: Torture = {
  name: 'bombs',
  does: `${BOMBS.length} malicious trees (runs, empty references, depth, width, names, attributes, histories) with ${BOMB_COMMANDS.length} commands each, and in a mount`,
  promise: `≤ ${LIMITS.mb} MB; SIGINT ends each within ${LIMITS.afterMs / 1000} s; other users of the mount wait no longer; the exit status is documented`,
  fullRounds: BOMBS.length,
  async run(limits) {
    const tally = new TortureTally(limits);
    const env = { HOME: limits.folder, XDG_RUNTIME_DIR: limits.folder, XDG_CACHE_HOME: join(limits.folder, 'cache'), TERM: 'dumb' };
    let peakMb = 0;
    let slowestMs = 0;
    let waitedMs = 0;
    while (tally.goesOn) {
      const bomb = BOMBS[(limits.seed + tally.rounds) % BOMBS.length];
      if (bomb === undefined) break;
      tally.count('bombs');
      const store = join(limits.folder, 'store');
      const out = join(limits.folder, 'out');
      await storeBomb(store, bomb);
      for (const command of BOMB_COMMANDS) {
        const blast = await tryBomb(store, command.replace('OUT', out), INTERRUPT_MS, env);
        tally.note('commands');
        peakMb = Math.max(peakMb, blast.peakMb);
        slowestMs = Math.max(slowestMs, blast.afterMs ?? 0);
        const fault = faultOf(blast, LIMITS);
        if (fault !== undefined) tally.fault(`${bomb.name}: ${command}: ${fault}`);
        // Node removes no tree whose paths are longer than a path may be.
        await run('rm', ['-rf', out]);
      }
      if (noMountsHere() === undefined) {
        const blast = await lookInMount(store, limits.folder, INTERRUPT_MS, env);
        waitedMs = Math.max(waitedMs, blast.longestMs);
        for (const fault of faultsOfMount(blast, LIMITS)) tally.fault(`${bomb.name}: mount: ${fault}`);
      }
      rmSync(store, { recursive: true, force: true });
    }
    return tally.result(
      `${Math.round(peakMb)} MB at most, ended within ${Math.round(slowestMs)} ms; others of a mount waited ${Math.round(waitedMs)} ms`,
    );
  },
};
