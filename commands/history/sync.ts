import { defineCommand } from '../command.ts';

/** `sync`: what changed is stored and recorded now. */
export const sync = defineCommand({
  name: 'sync',
  group: 'history',
  summary: 'save the tree: store what changed, record the root, print its Dirref',
  details: [
    'sync asks the archive each time whether the root is recorded. The tree of a Dirref continues the default archive if that is empty, or if the Dirref is its newest root. Otherwise its roots go into the archive `references`, so that gc keeps them: STORE@references opens it.',
    'If another session has recorded a root meanwhile, the two are merged. Nothing is lost, and sync names on standard error what both changed.',
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
