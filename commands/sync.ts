import { defineCommand } from './command.ts';

/** `sync`: what changed is stored and recorded now. */
export const sync = defineCommand({
  name: 'sync',
  group: 'history',
  summary: 'store what changed, record the root, and print its Dirref',
  details: [
    'Whether a root is recorded is read from the archive each time. The tree of a Dirref goes on in the default archive where nothing is recorded yet, or the Dirref is its newest root. Else its roots are recorded in the archive `references`, so that gc keeps them: STORE@references opens it.',
    'Where another session has recorded a root meanwhile, the two are merged: nothing is lost, and names that both changed are told on standard error.',
  ],
  async run({ session, output, signal, plan }) {
    if (plan) {
      output.line('would sync');
      return;
    }
    const text = await session.sync(signal);
    if (text === '') return;
    output.line(output.style('ref', text));
    output.record({ dirref: text });
  },
});
