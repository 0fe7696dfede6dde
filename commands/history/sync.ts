import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { defineTreeCommand } from '../command.ts';
import { tellPlan } from '../parts/tell-plan.ts';

/** `sync`: stores and records all changes now. */
export const sync = defineTreeCommand({
  name: 'sync',
  group: 'history',
  summary: 'save the tree: store what changed, record the root, print its Dirref',
  recordsRoot: true,
  details: [
    'sync checks in the archive whether the root is recorded already. If the tree was opened by a Dirref, sync records it in the default archive if that is empty, or if the Dirref is its newest root. Otherwise it uses the archive `references`, so that gc keeps the tree: STORE@references opens it.',
    'If another session has recorded a root meanwhile, sync merges the two. Nothing is lost, and sync prints on standard error the names that both changed. If nothing was changed here, the tree becomes that root.',
    'Before each prompt, one line announces roots that others have recorded in the open archive. sync merges them into the tree. -q turns the line off.',
  ],
  options: [{ name: 'message', short: 'm', value: { name: 'MESSAGE', kind: 'text' }, summary: 'a text that log shows with the root' }],
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

/** Characters of a message, at most. */
const MAX_MESSAGE = 1000;

function messageOf(value: Octets | true | undefined): string | undefined {
  if (value === undefined || value === true) return undefined;
  const message = octetsToText(value);
  if (message === '' || message.length > MAX_MESSAGE)
    throw new UsageError(`sync -m: expected 1 to ${MAX_MESSAGE} characters, got ${message.length}`);
  return message;
}
