import { bombsAttack } from './hostile/bombs.ts';
import { clientsAttack } from './hostile/clients.ts';
import { namesAttack } from './hostile/names.ts';
import { swapsAttack } from './hostile/swaps.ts';
import { webAttack } from './hostile/web.ts';
import type { Torture } from './torture-kind.ts';

/** Every attack, in the order of the table. */
export const ATTACKS: readonly Torture[] = [bombsAttack, namesAttack, clientsAttack, webAttack, swapsAttack];
