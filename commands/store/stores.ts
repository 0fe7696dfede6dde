import { groupedDigits } from '../../core/base/grouped-digits.ts';
import type { HashCode } from '../../core/block/hashcode.ts';
import type { RequestCosts, StorePart, StoreProgress } from '../../core/store/capabilities.ts';
import { addCounts, canWrite, capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';
import { countText, sizeText, storeProgressText } from '../parts/format.ts';

/** `stores`: the Stores of the session. */
export const stores = defineCommand({
  name: 'stores',
  group: 'store',
  summary: 'list the Stores of the session, with what waits in spools',
  details: [
    'Each line has the role of the Store, its specification and its hash function. Then come its use, r for reading or rw for reading and writing, what this session added, and what waits in it for another Store. The Stores of a proxy are indented below it. For a Store in a bucket, the line counts the requests of this session, as the service bills them. If a Store failed, its line shows the reason.',
  ],
  options: [{ name: 'count', short: 'c', summary: 'count the Blocks of each Store, which may take a while' }],
  examples: [{ line: 'stores', says: 'shows what waits to be sent on' }],
  records: [
    {
      name: 'StoreInfo',
      summary: 'a Store of the session',
      fields: {
        role: 'text',
        store: 'text',
        depth: 'integer',
        hash: 'text',
        write: 'boolean',
        blocks: 'integer?',
        new_blocks: 'integer',
        new_bytes: 'integer',
        existing_blocks: 'integer',
        waiting_blocks: 'integer?',
        waiting_bytes: 'integer?',
        trouble: 'text?',
        progress_add_bytes: 'integer?',
        progress_add_count: 'integer?',
        progress_get_bytes: 'integer?',
        progress_get_count: 'integer?',
        progress_outstanding: 'integer?',
        puts: 'integer?',
        gets: 'integer?',
        lists: 'integer?',
        deletes: 'integer?',
        sent_bytes: 'integer?',
        received_bytes: 'integer?',
      },
    },
  ],
  async run(context, { options }) {
    await show(context, { role: 'session', store: context.session.store }, 0, options.has('count'));
  },
});

async function show(context: CommandContext, part: StorePart, depth: number, counts: boolean): Promise<void> {
  const { output, signal } = context;
  const { role, store, waiting, trouble } = part;
  const { newBlocks, newBytes, existingBlocks } = addCounts(store);
  const blocks = counts ? await countBlocks(store, signal) : undefined;
  const words = [role, store.name, store.hashName, canWrite(store) ? 'rw' : 'r'];
  if (blocks !== undefined) words.push(countText(blocks, 'Block'));
  if (newBlocks + existingBlocks > 0)
    words.push(`${groupedDigits(newBlocks)} new (${sizeText(newBytes)}), ${groupedDigits(existingBlocks)} existing`);
  if (waiting !== undefined) words.push(`${countText(waiting.blocks, 'Block')} (${sizeText(waiting.bytes)}) waiting`);
  const progress = capability(store, 'progress')?.progress();
  if (progress !== undefined) words.push(storeProgressText(progress));
  const inner = (await capability(store, 'parts')?.parts({ signal })) ?? [];
  // The parts of a Store have their own.
  const costs = inner.length === 0 ? capability(store, 'costs')?.costs() : undefined;
  if (costs !== undefined) words.push(costsText(costs));
  output.line(`${'  '.repeat(depth)}${words.join('  ')}${trouble === undefined ? '' : `  ${output.style('error', `failed: ${trouble}`)}`}`);
  output.record({
    role,
    store: store.name,
    depth,
    hash: store.hashName,
    write: canWrite(store),
    blocks,
    new_blocks: newBlocks,
    new_bytes: newBytes,
    existing_blocks: existingBlocks,
    waiting_blocks: waiting?.blocks,
    waiting_bytes: waiting?.bytes,
    trouble,
    ...(progress === undefined ? {} : progressFields(progress)),
    ...(costs === undefined ? {} : costsFields(costs)),
  });
  for (const one of inner) await show(context, one, depth + 1, counts);
}

function costsText({ puts, gets, lists, deletes, sentBytes, receivedBytes }: RequestCosts): string {
  return `${puts} PUT, ${gets} GET, ${lists} LIST, ${deletes} DELETE; ${sizeText(sentBytes)} sent, ${sizeText(receivedBytes)} received`;
}

function costsFields({ puts, gets, lists, deletes, sentBytes, receivedBytes }: RequestCosts): Readonly<Record<string, number>> {
  return { puts, gets, lists, deletes, sent_bytes: sentBytes, received_bytes: receivedBytes };
}

function progressFields({ addBytes, addCount, getBytes, getCount, outstanding }: StoreProgress): Readonly<Record<string, number>> {
  return {
    progress_add_bytes: addBytes,
    progress_add_count: addCount,
    progress_get_bytes: getBytes,
    progress_get_count: getCount,
    progress_outstanding: outstanding,
  };
}

async function countBlocks(store: Store, signal: AbortSignal): Promise<number | undefined> {
  const listed: AsyncIterable<HashCode> | undefined = capability(store, 'enumeration')?.hashcodes({ signal });
  if (listed === undefined) return undefined;
  let count = 0;
  for await (const _ of listed) count++;
  return count;
}
