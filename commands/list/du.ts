import { UsageError } from '../../core/base/errors.ts';
import type { TreeEntry } from '../../core/tree/tree.ts';
import { defineTreeCommand } from '../command.ts';
import { ContentMeter, sumDirs } from '../parts/content-sums.ts';
import { PassedDamage } from '../parts/damage.ts';
import { forEachItem } from '../parts/each.ts';
import { pathArgument, requireEntry } from '../parts/entry.ts';
import { octetsFields, sizeText } from '../parts/format.ts';
import { numberOption } from '../words/number-option.ts';

/** `du`: bytes of content below each Dir. */
export const du = defineTreeCommand({
  name: 'du',
  group: 'list',
  summary: 'sum the bytes of content below each Dir',
  details: [
    'A hard-linked file counts once. With --unique each stored Block counts once, however many files share it. The sum is what the content takes in the Store before compression. --unique reads the Block tree of every file, and keeps a list of all leaves in memory.',
    '--interactive shows one Dir at a time in a terminal, the largest name first. Arrows or h j k l move, Return opens a Dir, and Backspace leaves it. s, n and c sort by size, name and count, and the same key again reverses the order. d asks, then removes the marked name; `undo` brings it back. q or Ctrl-C leaves.',
  ],
  args: [{ name: 'path', kind: 'stored', summary: 'where to start; default: the working path', optional: true, repeat: true }],
  options: [
    { name: 'summarize', short: 's', summary: 'only a total for each argument' },
    { name: 'max-depth', short: 'd', value: { name: 'N', kind: 'number', min: 0 }, summary: 'show Dirs at most N levels below PATH' },
    { name: 'human', short: 'h', summary: 'sizes in powers of 1024: 1.5K, 12M' },
    { name: 'unique', short: 'u', summary: 'count each stored Block once' },
    { name: 'interactive', short: 'i', summary: 'browse one Dir by size in a terminal, and remove from it' },
  ],
  records: [{ name: 'Usage', summary: 'the content below a Dir', fields: { path: 'name', bytes: 'integer' } }],
  async run(context, { args, options }) {
    const { session, output, signal } = context;
    if (options.has('interactive')) {
      const odd = ['summarize', 'max-depth', 'human'].find((name) => options.has(name));
      if (odd !== undefined) throw new UsageError(`du: --interactive and --${odd} exclude each other`);
      if (args.length > 1) throw new UsageError('du: --interactive takes one path');
      const { browseUsage } = await import('../parts/pictures/usage-browser.ts');
      await browseUsage(context, args[0] === undefined ? session.cwd : pathArgument(session, args[0]), options.has('unique'));
      return;
    }
    const damage = new PassedDamage(context, 'sum');
    const meter = new ContentMeter(context, options.has('unique'));
    const depthLimit = options.has('summarize') ? 0 : (numberOption({ options }, 'max-depth') ?? Number.POSITIVE_INFINITY);
    const show = (entry: TreeEntry, bytes: number): void => {
      if (output.json) output.record({ ...octetsFields('path', entry.path), bytes });
      else output.line(`${options.has('human') ? sizeText(bytes) : bytes}\t${output.name(entry.path)}`);
    };
    const starts = args.length === 0 ? [session.cwd] : args.map((argument) => pathArgument(session, argument));
    await forEachItem(context, starts, async (start) => {
      const top = await requireEntry(session.tree, start, 'sum', { follow: false, signal });
      if (top.dirent.kind !== 'dir') show(top, await meter.measure(top));
      else
        await sumDirs(
          context,
          damage,
          top,
          (entry) => meter.measure(entry),
          (entry, { bytes }, depth) => {
            if (depth <= depthLimit) show(entry, bytes);
          },
        );
    });
    damage.throwIfAny();
  },
});
