import { VtError } from '../../core/base/errors.ts';
import { groupedDigits } from '../../core/base/grouped-digits.ts';
import { capability } from '../../core/store/capability.ts';
import { defineCommand } from '../command.ts';
import { countText, sizeText } from '../parts/format.ts';

/** `flush`: makes added Blocks durable, and sends waiting ones. */
export const flush = defineCommand({
  name: 'flush',
  group: 'store',
  summary: 'make added Blocks durable, and send what waits in spools',
  changesLocal: true,
  details: [
    'If the Store of `save=` cannot take Blocks, they wait in the spool, which is the Store of `save2=`, even after the session ends. flush sends them in batches and marks those that have arrived, so the next flush continues an interrupted one. The exit status is 3 while something still waits; standard error says why.',
  ],
  examples: [{ line: 'flush', says: 'sends what waited while the server was away' }],
  records: [
    {
      name: 'Flushed',
      summary: 'the result of sending',
      fields: { delivered_blocks: 'integer', delivered_bytes: 'integer', waiting_blocks: 'integer' },
    },
  ],
  async run({ session, output, diagnostics, signal }) {
    await session.store.flush({ signal });
    const spool = capability(session.store, 'spool');
    if (spool === undefined) return;
    const { deliveredBlocks, deliveredBytes, waitingBlocks, troubles } = await spool.drain({ signal });
    output.line(`${countText(deliveredBlocks, 'Block')} (${sizeText(deliveredBytes)}) sent on, ${groupedDigits(waitingBlocks)} waiting`);
    output.record({ delivered_blocks: deliveredBlocks, delivered_bytes: deliveredBytes, waiting_blocks: waitingBlocks });
    for (const trouble of troubles) diagnostics.failure(new VtError('EFAILED', `flush: ${trouble}`));
    if (waitingBlocks > 0 && troubles.length === 0)
      throw new VtError('EPARTIAL', `flush: ${countText(waitingBlocks, 'Block')} still waiting`);
  },
});
