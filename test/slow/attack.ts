import { ATTACKS } from './attacks.ts';
import { runTortures } from './run-tortures.ts';

/**
 * Attacks the program as strangers could, and prints a table of what came of it: `npm run attack [-- --only NAME[,NAME…]] [--rounds N]
 * [--seconds N] [--seed N] [--folder DIR]`. Rounds and seconds are those of each attack.
 */
await runTortures('attack', ATTACKS);
