import { cutsTorture } from './cuts.ts';
import { exerciserTorture } from './exerciser.ts';
import { failuresTorture } from './failures.ts';
import { faultsTorture } from './faults/faults.ts';
import { flipsTorture } from './flips.ts';
import { gitMergesTorture } from './histories/git-merges.ts';
import { historiesTorture } from './histories/histories.ts';
import { indexLossTorture } from './index-loss.ts';
import { killTorture } from './kill.ts';
import { locksTorture } from './locks.ts';
import { lostWritesTorture } from './lost-writes.ts';
import { manyMountsTorture } from './many-mounts.ts';
import { mountKillTorture } from './mount-kill.ts';
import { mountsTorture } from './mounts.ts';
import { oneFileTorture } from './one-file.ts';
import { oracleTorture } from './oracle/oracle.ts';
import { peerKillTorture } from './peer-kill.ts';
import { processesTorture } from './processes.ts';
import { sessionsTorture } from './sessions.ts';
import { tailKillTorture } from './tail-kill.ts';
import { togetherTorture } from './together.ts';
import type { Torture } from './torture-kind.ts';
import { inPlaceKillTorture, transitionKillTorture } from './transition-kill.ts';
import { watchChurnTorture } from './watch-churn.ts';

/** Every torture, in the order of the table. */
export const TORTURES: readonly Torture[] = [
  killTorture,
  lostWritesTorture,
  failuresTorture,
  faultsTorture,
  flipsTorture,
  indexLossTorture,
  oneFileTorture,
  processesTorture,
  tailKillTorture,
  watchChurnTorture,
  peerKillTorture,
  cutsTorture,
  transitionKillTorture,
  inPlaceKillTorture,
  mountsTorture,
  mountKillTorture,
  locksTorture,
  manyMountsTorture,
  sessionsTorture,
  togetherTorture,
  historiesTorture,
  gitMergesTorture,
  exerciserTorture,
  oracleTorture,
];
