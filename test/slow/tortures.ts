import { faultsTorture } from './faults/faults.ts';
import { tailKillTorture } from './follow/tail-kill.ts';
import { watchChurnTorture } from './follow/watch-churn.ts';
import { gitMergesTorture } from './histories/git-merges.ts';
import { historiesTorture } from './histories/histories.ts';
import { mergesTorture } from './histories/merges.ts';
import { statesTorture } from './histories/states.ts';
import { exerciserTorture } from './mounts/exerciser.ts';
import { locksTorture } from './mounts/locks.ts';
import { manyMountsTorture } from './mounts/many-mounts.ts';
import { mountKillTorture } from './mounts/mount-kill.ts';
import { mountsTorture } from './mounts/mounts.ts';
import { oracleTorture } from './oracle/oracle.ts';
import { cutsTorture } from './peers/cuts.ts';
import { peerKillTorture } from './peers/peer-kill.ts';
import { interruptsTorture } from './sessions/interrupts.ts';
import { sessionsTorture } from './sessions/sessions.ts';
import { togetherTorture } from './sessions/together.ts';
import { failuresTorture } from './stores/failures.ts';
import { flipsTorture } from './stores/flips.ts';
import { indexLossTorture } from './stores/index-loss.ts';
import { killTorture } from './stores/kill.ts';
import { lostWritesTorture } from './stores/lost-writes.ts';
import { oneFileTorture } from './stores/one-file.ts';
import { processesTorture } from './stores/processes.ts';
import { inPlaceKillTorture, transitionKillTorture } from './stores/transition-kill.ts';
import type { Torture } from './torture-kind.ts';

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
  interruptsTorture,
  historiesTorture,
  statesTorture,
  mergesTorture,
  gitMergesTorture,
  exerciserTorture,
  oracleTorture,
];
