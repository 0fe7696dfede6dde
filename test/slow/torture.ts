import { runTortures } from './run-tortures.ts';
import { TORTURES } from './tortures.ts';

/**
 * Runs the tortures and prints a table of what came of them: `npm run torture [-- --only NAME[,NAME…]] [--rounds N]
 * [--seconds N] [--seed N] [--folder DIR]`. Rounds and seconds are those of each torture.
 */
await runTortures('torture', TORTURES);
