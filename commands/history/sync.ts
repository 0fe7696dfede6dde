import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { defineTreeCommand } from '../command.ts';
import { tellPlan } from '../parts/tell-plan.ts';

/** `sync`: what changed is stored and recorded now. */
export const sync = defineTreeCommand({
  name: 'sync',
  group: 'history',
  summary: 'save the tree: store what changed, record the root, print its Dirref',
  recordsRoot: true,
  details: [
    'sync asks the archive each time whether the root is recorded. The tree of a Dirref continues the default archive if that is empty, or if the Dirref is its newest root. Otherwise its roots go into the archive `references`, so that gc keeps them: STORE@references opens it.',
    'If another session has recorded a root meanwhile, the two are merged. Nothing is lost, and sync names on standard error what both changed. Where nothing was changed here, the tree becomes that root.',
    'At a prompt, one line before it tells of roots that others have recorded in the open archive since. sync takes them in. With -q nothing is told.',
  ],
  options: [{ name: 'message', short: 'm', value: { name: 'MESSAGE', kind: 'text' }, summary: 'what log shows with the root' }],
  records: [{ name: 'Synced', summary: 'the Dirref of the recorded tree', fields: { dirref: 'text' } }],
  async run({ session, local, output, signal, plan }, { options }) {
    const message = messageOf(options.get('message'));
    if (plan) {
      tellPlan(output, 'sync');
      return;
    }
    if (message !== undefined) session.describe(message);
    if (session.tree.can.sync) await local?.refresh(signal);
    const text = await session.sync(signal);
    if (text === '') return;
    output.line(output.style('ref', text));
    output.record({ dirref: text });
  },
});

/** Characters of a message at most. */
const MAX_MESSAGE = 1000;

function messageOf(value: Octets | true | undefined): string | undefined {
  if (value === undefined || value === true) return undefined;
  const message = octetsToText(value);
  if (message === '' || message.length > MAX_MESSAGE)
    throw new UsageError(`sync -m: expected 1 to ${MAX_MESSAGE} characters, got ${message.length}`);
  return message;
}
