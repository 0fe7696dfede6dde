import { PathError, UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { defineCommand } from '../command.ts';
import { pathArgument } from '../parts/entry.ts';
import { extractFile, listFile, verifyOneFile } from '../parts/one-file/ar-read.ts';
import { appendState, writeFile } from '../parts/one-file/ar-write.ts';
import { ENTRY_TYPE, EXPORT_FIELDS, OUTPUT_RECORD } from '../parts/records.ts';

const MODES = ['list', 'extract', 'verify', 'append'] as const;

/** `ar`: a tree as one file. */
export const ar = defineCommand({
  name: 'ar',
  group: 'store',
  summary: 'write files and trees into one file that opens as a Store',
  changesLocal: true,
  plans: true,
  details: [
    'ar FILE PATH… writes every PATH with all below it, each Block once. PATH may be PATH@N. One PATH becomes the root; several go into a root under their own names. The file opens as a Store: `vtftp FILE` and `open FILE` show the tree, and `mount`, `push` and `serve` take it too. On a web server it opens by its URL, and vtftp fetches only what it reads. With - for FILE the bytes go to standard output. If FILE is a symlink to a file, ar replaces the symlink, as get does. It writes into a device or FIFO. ar -r follows a symlink.',
    'Dirs come first in the file, then contents in the order of names, then hard-linked files and an index. So a truncated file still has all names, and the contents before the cut: get writes those and names the rest. ar needs every Block of PATH, and makes no file if one is missing.',
    'ar -t lists the names in FILE. ar -x makes them local files in the directory LOCAL, or in the local working directory. ar -r appends another state to FILE: log lists the states. ar --verify reads all of FILE, checks every hash, and checks that no Block of the tree is missing. It ends with 13 if something is damaged.',
  ],
  args: [
    { name: 'file', kind: 'local', summary: 'the file, mostly NAME.vtd; - is standard output', glob: false },
    { name: 'path', kind: 'stored', summary: 'what to write; with -x, the local directory', optional: true, repeat: true },
  ],
  options: [
    { name: 'list', short: 't', summary: 'list the names in FILE' },
    { name: 'extract', short: 'x', summary: 'extract FILE into local files' },
    { name: 'verify', summary: 'check the whole FILE' },
    { name: 'append', short: 'r', summary: 'append a state to FILE' },
    { name: 'compress', short: 'z', summary: 'compress Blocks with Zstandard, neighbouring ones together' },
  ],
  examples: [
    { line: 'ar ~/docs.vtd docs', says: 'writes docs with all below it into one file' },
    { line: 'open https://example.org/docs.vtd', says: 'opens that file on a web server' },
    { line: 'ar - docs > /dev/tape', says: 'writes the same as a stream' },
    { line: 'ar -x ~/docs.vtd /tmp/docs', says: 'extracts it into local files' },
  ],
  records: [
    { name: 'Extracted', summary: 'the result of writing files from a one-file Store', fields: { file: 'name', ...EXPORT_FIELDS } },
    { name: 'OneFileEntry', summary: 'a name in a one-file Store', fields: { path: 'name', type: ENTRY_TYPE } },
    {
      name: 'OneFileWritten',
      summary: 'a one-file Store that was written',
      fields: { file: 'name', blocks: 'integer', bytes: 'integer', written_bytes: 'integer' },
    },
    {
      name: 'OneFileVerified',
      summary: 'a one-file Store that was checked',
      fields: { file: 'name', blocks: 'integer', bytes: 'integer', states: 'integer', faults: 'integer' },
    },
    OUTPUT_RECORD,
  ],
  async run(context, input) {
    const modes = MODES.filter((mode) => input.options.has(mode));
    if (modes.length > 1) throw new UsageError(`ar: ${modes.map((mode) => `--${mode}`).join(' and ')} exclude each other`);
    const file = input.named.get('file')?.[0] ?? ('' as Octets);
    const paths = input.named.get('path') ?? [];
    await runMode(context, input, modes[0], file, paths);
  },
});

async function runMode(
  context: CommandContext,
  { options }: CommandInput,
  mode: (typeof MODES)[number] | undefined,
  file: Octets,
  paths: readonly Octets[],
): Promise<void> {
  const needsPath = mode === undefined || mode === 'append';
  if (needsPath && paths.length === 0) throw new UsageError(`ar "${octetsToText(file)}": PATH is missing`, { remedy: 'ar FILE PATH' });
  if (!needsPath && paths.length > (mode === 'extract' ? 1 : 0)) throw new UsageError(`ar --${mode}: too many names`);
  const isCompressed = options.has('compress');
  switch (mode) {
    case undefined:
      return await inOrder(context, file, paths, () => writeFile(context, file, paths, isCompressed));
    case 'append':
      return await inOrder(context, file, paths, () => appendState(context, file, paths, isCompressed));
    case 'list':
      return await listFile(context, file);
    case 'extract':
      return await extractFile(context, file, paths[0]);
    case 'verify':
      return await verifyOneFile(context, file);
  }
}

/** Says so where FILE and PATH were given in the other order: the tree has the first, and lacks the last. */
async function inOrder(
  { session, shell }: CommandContext,
  file: Octets,
  paths: readonly Octets[],
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const last = paths.at(-1);
    if (!(error instanceof PathError) || error.errno !== 'ENOENT' || last === undefined) throw error;
    const isStored = (await session.tree.lookup(pathArgument(session, file)).catch(() => undefined)) !== undefined;
    if (!isStored) throw error;
    const others = [file, ...paths.slice(0, -1)].map((name) => shell.quote(name)).join(' ');
    throw new PathError('ENOENT', error.action, error.octets, {
      cause: error,
      remedy: `the file to write comes first: ar ${shell.quote(last)} ${others}`,
    });
  }
}
