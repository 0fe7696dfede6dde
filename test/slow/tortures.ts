import { failuresTorture } from './failures.ts';
import { flipsTorture } from './flips.ts';
import { killTorture } from './kill.ts';
import { lostWritesTorture } from './lost-writes.ts';
import type { Torture } from './torture-kind.ts';

/** Every torture, in the order of the table. */
export const TORTURES: readonly Torture[] = [killTorture, lostWritesTorture, failuresTorture, flipsTorture];
