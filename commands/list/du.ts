import { digestHex } from '../../core/block/hashcode.ts';
import { leavesOf } from '../../core/block/tree-walk.ts';
import type { TreeEntry } from '../../core/tree/tree.ts';
import type { TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { PassedDamage } from '../parts/damage.ts';
import { forEachItem } from '../parts/each.ts';
import { pathArgument, requireEntry } from '../parts/entry.ts';
import { octetsFields, sizeText } from '../parts/format.ts';
import { OutputTurns } from '../parts/output-turns.ts';
import type { Session } from '../session.ts';
import { numberOption } from '../words/number-option.ts';

interface Level {
  readonly entry: TreeEntry;
  readonly listing: AsyncIterator<TreeEntry>;
  bytes: number;
}

/** `du`: octets of content below each Dir. */
export const du = defineTreeCommand({
  name: 'du',
  group: 'list',
  summary: 'sum the bytes of content below each Dir',
  details: [
    'A hard-linked file counts once. With --unique each stored Block counts once, however many files share it. That is what the content takes in the Store before compression. It reads the Block tree of every file, and keeps a list of all leaves in memory.',
  ],
  args: [{ name: 'path', kind: 'stored', summary: 'where to start; default: the working path', optional: true, repeat: true }],
  options: [
    { name: 'summarize', short: 's', summary: 'only a total for each argument' },
    { name: 'max-depth', short: 'd', value: { name: 'N', kind: 'number', min: 0 }, summary: 'show Dirs at most N levels below PATH' },
    { name: 'human', short: 'h', summary: 'sizes in powers of 1024: 1.5K, 12M' },
    { name: 'unique', short: 'u', summary: 'count each stored Block once' },
  ],
  records: [{ name: 'Usage', summary: 'the content below a Dir', fields: { path: 'name', bytes: 'integer' } }],
  async run(context, { args, options }) {
    const { session, output, signal } = context;
    const damage = new PassedDamage(context, 'sum');
    const counted = new Set<number>();
    const depthLimit = options.has('summarize') ? 0 : (numberOption({ options }, 'max-depth') ?? Number.POSITIVE_INFINITY);
    const leaves = options.has('unique') ? new Set<string>() : undefined;
    const show = (entry: TreeEntry, bytes: number): void => {
      if (output.json) output.record({ ...octetsFields('path', entry.path), bytes });
      else output.line(`${options.has('human') ? sizeText(bytes) : bytes}\t${output.name(entry.path)}`);
    };
    const starts = args.length === 0 ? [session.cwd] : args.map((argument) => pathArgument(session, argument));
    await forEachItem(context, starts, async (start) => {
      const top = await requireEntry(session.tree, start, 'sum', { follow: false, signal });
      const measure = (entry: TreeEntry): Promise<number> => contentOf(session, entry, counted, leaves, signal);
      if (top.dirent.kind !== 'dir') show(top, await measure(top));
      else
        await sumDir(context, damage, top, measure, (entry, bytes, depth) => {
          if (depth <= depthLimit) show(entry, bytes);
        });
    });
    damage.throwIfAny();
  },
});

/** Walks depth first and reports each Dir after its contents. */
async function sumDir(
  context: TreeContext,
  damage: PassedDamage,
  top: TreeEntry,
  measure: (entry: TreeEntry) => Promise<number>,
  report: (entry: TreeEntry, bytes: number, depth: number) => void,
): Promise<void> {
  const { session, signal } = context;
  const turns = new OutputTurns(context);
  const enter = (entry: TreeEntry): Level => ({
    entry,
    listing: damage.pass(session.tree.list(entry, { signal }), entry),
    bytes: 0,
  });
  const open = [enter(top)];
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    await turns.next();
    const { value, done } = await level.listing.next();
    if (done !== true) {
      if (value.dirent.kind === 'dir') open.push(enter(value));
      else level.bytes += await measure(value);
      continue;
    }
    open.pop();
    report(level.entry, level.bytes, open.length);
    const parent = open.at(-1);
    if (parent !== undefined) parent.bytes += level.bytes;
  }
}

async function contentOf(
  session: Session,
  entry: TreeEntry,
  counted: Set<number>,
  leaves: Set<string> | undefined,
  signal: AbortSignal,
): Promise<number> {
  if (entry.dirent.kind !== 'file' || (entry.nlink > 1 && counted.has(entry.id))) return 0;
  if (entry.nlink > 1) counted.add(entry.id);
  if (leaves === undefined) return entry.size;
  let bytes = 0;
  for await (const { block } of leavesOf(session.tree.store, entry.dirent.block, { signal })) {
    if (block.kind !== 'hash') continue;
    const key = digestHex(block.hashcode.digest);
    if (leaves.has(key)) continue;
    leaves.add(key);
    bytes += block.span;
  }
  return bytes;
}
