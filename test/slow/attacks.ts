import { bombsAttack } from './bombs.ts';
import { clientsAttack } from './clients.ts';
import { namesAttack } from './names.ts';
import { swapsAttack } from './swaps.ts';
import type { Torture } from './torture-kind.ts';

/** Every attack, in the order of the table. */
export const ATTACKS: readonly Torture[] = [bombsAttack, namesAttack, clientsAttack, swapsAttack];
