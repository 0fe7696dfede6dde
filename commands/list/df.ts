import { defineCommand } from '../command.ts';
import { sizeText } from '../parts/format.ts';

/** `df`: the room on the disk of the Store. */
export const df = defineCommand({
  name: 'df',
  group: 'list',
  summary: 'tell how full the disk of the Store is, and what the Store takes of it',
  options: [{ name: 'human', short: 'h', aliases: ['human-readable'], summary: 'sizes in powers of 1024: 1.5K, 12M' }],
  examples: [{ line: 'df -h', says: 'is there room for more?' }],
  records: [
    {
      name: 'DiskUse',
      summary: 'the disk of the Store',
      fields: { store: 'text', path: 'text', size_bytes: 'integer', used_bytes: 'integer', free_bytes: 'integer', store_bytes: 'integer' },
    },
  ],
  async run({ session, output }, { options }) {
    const { requireDatadir } = await import('../../core/maintain/datadir-of.ts');
    const { diskUse } = await import('../../core/maintain/disk-use.ts');
    const { name, path } = requireDatadir(session.store, 'df');
    const { size, used, free, store } = diskUse(path);
    const shown = (bytes: number): string => (options.has('human') ? sizeText(bytes) : String(bytes));
    const columns = [
      ['Size', shown(size)],
      ['Used', shown(used)],
      ['Free', shown(free)],
      ['Use%', `${size === 0 ? 0 : Math.ceil((used / (used + free)) * 100)}%`],
      ['Store takes', shown(store)],
    ].map(([head = '', value = '']) => {
      const width = Math.max(head.length, value.length);
      return [head.padStart(width), value.padStart(width)] as const;
    });
    output.line(`${columns.map(([head]) => head).join('  ')}  Store`);
    output.line(`${columns.map(([, value]) => value).join('  ')}  ${name}`);
    output.record({ store: name, path, size_bytes: size, used_bytes: used, free_bytes: free, store_bytes: store });
  },
});
