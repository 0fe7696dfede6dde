import { UsageError, VtError } from '../../core/base/errors.ts';
import { groupedDigits } from '../../core/base/grouped-digits.ts';
import { ItemError } from '../../core/base/item-error.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { MAX_LITERAL_SIZE } from '../../core/block/block.ts';
import type { PendingBlocks } from '../../core/block/block-sink.ts';
import type { Imported } from '../../core/import/import.ts';
import type { ImportCounts, ImportProgress } from '../../core/import/import-options.ts';
import { capability } from '../../core/store/capability.ts';
import { direntBelow } from '../../core/tree/lookup-below.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { baseName } from '../../core/tree/path.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { defineCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';
import { leadsToDir } from '../parts/entry.ts';
import { FILTER_OPTIONS, filterWords, nameFilterOf } from '../parts/filter-options.ts';
import { countText, octetsFields, sizeText } from '../parts/format.ts';
import { placeImported, reportGone } from '../parts/move/put-place.ts';
import type { PutTarget } from '../parts/move/put-targets.ts';
import { isDirectory, putTargets, refuseOtherKind, requireDirectory } from '../parts/move/put-targets.ts';
import { storeFolderTest } from '../parts/move/store-folders.ts';
import { FILES_FROM0 } from '../words/files-from.ts';

/** `put`: stores local files and trees in the tree. */
export const put = defineCommand({
  name: 'put',
  aliases: ['mput', 'reput'],
  group: 'move',
  summary: 'copy local files and trees in',
  reports: true,
  changes: true,
  plans: true,
  details: [
    'put of one directory makes NAME exactly what LOCAL is, with metadata, hard links and holes. A second put of the same tree gives the same Dirref. put removes names that LOCAL lacks from NAME, and prints their number on a line of its own. --merge keeps them; undo brings them back. At a terminal put asks before it removes more than half of the names.',
    'If NAME is a Dir, a file goes into it. So does each LOCAL if NAME ends in a slash, is . or .., or there are several. With mput, or if LOCAL is a pattern, it always goes into the Dir NAME. Without NAME, LOCAL goes into the working path under its own name. A file never replaces a Dir, nor a directory a file, without --force. man 1 vtftp has a table of all cases.',
    'put does not open a file whose device, inode, size, mtime and ctime are those of an earlier put. It names what it cannot read, keeps the stored state of that, stores the rest, and ends with 3. A file that keeps changing is named too, and stored as last read. Symlinks are stored as symlinks. Devices and FIFOs are stored as such, unless --read-special is given. LOCAL - or /dev/stdin reads standard input. The tree changes only once everything is stored.',
    'If put knows the format of a file (man 7 vt, "Parsers"), it cuts the file into Blocks where its parts begin. Equal parts of other files are then stored once. --parser chooses one parser for all files, or none. It applies to files that are read; changing it makes put read every file again.',
    'The rules of --include, --exclude and --filter are tried in the order given; the first that matches decides, as with rsync. See man 7 vt, "Filter rules". An excluded directory is left out with all below. A pattern with a leading slash begins at LOCAL. With several LOCALs it begins at the directory that holds them, and a LOCAL may be excluded itself. put removes excluded names from NAME as it removes others, unless --merge keeps them.',
    '--previous keeps the earlier states of NAME in NAME itself. cp, publish, ar, push and pull then copy them along with NAME, without the archive. inspect lists them, and bind brings one back. A put without --previous drops them.',
    '--salt puts random bytes into each Block of the Dirs, so that a hash does not tell which names and files a Dir has. Each Dir keeps its salt: a later put into NAME uses it again, so the same tree gives the same Dirref there. Contents of files have no salt, so that equal files are stored once. put makes the Dirs without salt first; gc removes those. A sealed Store hides everything.',
    'The report shows the files and their bytes. It shows how many Blocks and bytes were new to the Store, and how many the Store had already. put does not read back Blocks that the Store has. It stores Blocks again that a command has found damaged; scrub finds damage before anyone needs the data.',
  ],
  args: [
    { name: 'local', kind: 'local', summary: 'a local file or directory, or - for standard input', repeat: true },
    {
      name: 'name',
      kind: 'stored',
      summary: 'the new name of a directory, or the Dir that files go into',
      optional: true,
      glob: 'refused',
    },
  ],
  options: [
    { name: 'merge', short: 'm', summary: 'keep names that only the stored tree has' },
    { name: 'force', summary: 'let a file replace a Dir, or a directory a file' },
    { name: 'salt', summary: 'give NAME and each Dir below it salt, so that their hashes do not tell their names' },
    { name: 'previous', summary: 'keep the previous state of NAME in NAME itself, for inspect' },
    { name: 'one-file-system', short: 'x', summary: 'leave out other filesystems below LOCAL: mount points become empty Dirs' },
    { name: 'exclude-caches', summary: 'of a directory with a valid CACHEDIR.TAG, store that file alone' },
    { name: 'owner', value: { kind: 'text', choices: ['numeric'] }, summary: 'record owners as numbers, without their names' },
    {
      name: 'parser',
      value: { name: 'NAME', kind: 'text' },
      summary: 'use this parser for all files, or none; default: the one that fits each',
    },
    ...FILTER_OPTIONS,
    FILES_FROM0,
    { name: 'read-special', summary: 'read the content of a device or FIFO that LOCAL names, also through a symlink' },
    { name: 'stdin', summary: 'store standard input as NAME, the only argument' },
    { name: 'reread', summary: 'read every file, changed or not' },
    { name: 'recursive', short: 'r', alsoShort: 'R', summary: 'accepted: directories always go with all below' },
    { name: 'preserve', short: 'p', summary: 'accepted: metadata is always kept' },
    { name: 'resume', short: 'c', aliases: ['continue'], summary: 'accepted: what is stored already is never stored again' },
  ],
  examples: [
    { line: 'put ~/docs', says: 'makes docs in the working path what ~/docs is' },
    { line: 'put a.txt b.txt texts/', says: 'stores both files in the Dir texts' },
    { line: 'put - dump.sql', says: 'stores standard input as a file, as in: pg_dump db | vtftp -c "put - dump.sql"' },
    { line: "put --exclude='*.o' --exclude=/build/ ~/src", says: 'stores src without object files and without its build directory' },
  ],
  records: [
    {
      name: 'Put',
      summary: 'the result of storing a local name',
      fields: {
        path: 'name',
        plan: 'true?',
        files: 'integer',
        bytes: 'integer',
        dirs: 'integer',
        others: 'integer',
        excluded: 'integer',
        unchanged_files: 'integer',
        unchanged_bytes: 'integer',
        new_blocks: 'integer',
        new_bytes: 'integer',
        existing_blocks: 'integer',
        existing_bytes: 'integer',
        gone: 'integer',
        failures: 'integer',
        seconds: 'number',
        bytes_per_second: 'integer',
      },
    },
  ],
  async run(context, input) {
    if (input.options.has('previous') && input.options.has('merge'))
      throw new UsageError('put: --previous and --merge exclude each other', { remedy: 'log tells the states of an archive' });
    const rules = await nameFilterOf(filterWords(input), context.session.localCwd);
    const targets = await putTargets(context, input.options.has('stdin') ? ofStandardInput(input) : input, rules);
    await forEachItem(context, targets, async (target) => await putOne(context, input, target));
  },
});

/** `--stdin NAME` is `- NAME`. */
function ofStandardInput(input: CommandInput): CommandInput {
  const [name, extra] = input.args;
  if (name === undefined || extra !== undefined) throw new UsageError('put --stdin: expected one NAME');
  return {
    ...input,
    named: new Map([
      ['local', ['-' as Octets]],
      ['name', [name]],
    ]),
  };
}

async function putOne(context: CommandContext, input: CommandInput, target: PutTarget): Promise<void> {
  const { session } = context;
  const { options } = input;
  const { local, path } = target;
  const parser = await parserOption(options.get('parser'));
  const force = options.has('force');
  // Checked now rather than after reading everything.
  requireDirectory(local);
  if (!force) await refuseOtherKind(context, path, isDirectory(local), local);
  const startMs = performance.now();
  // Makes data that an earlier put in this session added readable. Free if nothing was added.
  await session.store.flush({ signal: context.signal });
  // What a plan would remove is found by what the new Dirs have, which are stored nowhere.
  const isMirror = context.plan && !options.has('merge') && (await leadsToDir(session.tree, path, context.signal));
  const planned = isMirror ? new (await import('../../core/block/block-sink.ts')).PendingBlocks(session.store.hashName) : undefined;
  const imported = await read(context, input, target, { parser, planned });
  const salted = await salting(context, path, { ...imported.dirent, name: baseName(path) }, options.has('salt'));
  const dirent = await remembering(context, path, salted, options.has('previous'));
  if (!force) await refuseOtherKind(context, path, dirent.kind === 'dir', local);
  const placed = await placeImported(context, path, dirent, { merge: options.has('merge'), force, planned });
  report(context, path, imported.counts, placed.gone, (performance.now() - startMs) / 1000);
  reportGone(context, path, placed);
}

/** The put Dirent, with salt in each Dir if requested or if NAME has salt. */
async function salting(
  { session, signal, plan }: CommandContext,
  path: TreePath,
  dirent: Imported['dirent'],
  isAsked: boolean,
): Promise<Imported['dirent']> {
  if (dirent.kind !== 'dir' || plan) return dirent;
  const there = await session.tree.lookup(path, { follow: false, signal });
  if (!isAsked && !(there?.dirent.kind === 'dir' && there.dirent.salt !== undefined)) return dirent;
  const before = there?.dirent.kind === 'dir' ? await session.tree.dirent(path, { signal }) : undefined;
  const [{ withSalt }, { newSalt }] = await Promise.all([import('../../core/tree/with-salt.ts'), import('../parts/new-salt.ts')]);
  return await withSalt(session.store, dirent, before?.kind === 'dir' ? before : undefined, newSalt, { signal });
}

/** The put Dirent, with the existing entry as its earlier state if requested. */
async function remembering(
  { session, signal, plan }: CommandContext,
  path: TreePath,
  dirent: Imported['dirent'],
  isAsked: boolean,
): Promise<Imported['dirent']> {
  const isThere = isAsked && !plan && (await session.tree.lookup(path, { follow: false, signal })) !== undefined;
  if (!isThere) return dirent;
  const { withPrevious } = await import('../../core/tree/previous-states.ts');
  return await withPrevious(session.store, dirent, await session.tree.dirent(path, { signal }), { signal });
}

async function read(
  context: CommandContext,
  { options }: CommandInput,
  target: PutTarget,
  { parser, planned }: { readonly parser: string | undefined; readonly planned: PendingBlocks | undefined },
): Promise<Imported> {
  const { session, diagnostics, signal, plan } = context;
  const { local, path, filter, stream } = target;
  const keepsTypes = session.settings.get('mime') === 'keep';
  try {
    if (stream !== undefined) {
      const { importStream } = await import('../../core/import/import-stream.ts');
      using opened = stream(context);
      const onProgress = (counts: ImportCounts): void => showProgress(context, { ...counts, doneBytes: counts.bytes, isWalked: false });
      return await importStream(session.store, opened.chunks, opened.meta, {
        signal,
        plan,
        parser,
        fileName: baseName(path),
        keepsTypes,
        onProgress,
      });
    }
    const { importLocal } = await import('../../core/import/import.ts');
    return await importLocal(session.store, local, {
      signal,
      plan,
      dirs: planned,
      numericOwners: options.has('owner'),
      oneFilesystem: options.has('one-file-system'),
      excludesCaches: options.has('exclude-caches'),
      reread: options.has('reread'),
      parser,
      keepsTypes,
      filter,
      isStoreFolder: storeFolderTest(capability(session.store, 'folders') ?? []),
      stored: async (below) => await direntBelow(session.tree, path, below, { signal }),
      onFailure: (failed, error, isKept) =>
        diagnostics.failure(new ItemError('put', failed, error, { after: isKept ? '; what is stored of it stays' : '' })),
      onWarning: (where, what) => diagnostics.warn(`put "${octetsToText(where)}": ${what}`),
      onProgress: (progress) => showProgress(context, progress),
    });
  } catch (error) {
    if (error instanceof VtError) throw error;
    // If the error names the file itself, the typed words replace that name.
    throw new ItemError('put', local, error);
  }
}

function showProgress({ diagnostics }: CommandContext, progress: ImportProgress): void {
  diagnostics.progress({
    label: 'put',
    doneBytes: progress.doneBytes,
    ...(progress.isWalked ? { totalBytes: progress.bytes } : {}),
    doneItems: progress.files,
    newBlocks: progress.newBlocks,
    existingBlocks: progress.existingBlocks,
  });
}

/** The requested name of a parser. @throws {UsageError} for an unknown name */
async function parserOption(value: Octets | true | undefined): Promise<string | undefined> {
  if (value === undefined) return undefined;
  const { parserNames } = await import('../../core/blockify/choose-parser.ts');
  const name = value === true ? '' : octetsToText(value);
  if (!parserNames().includes(name)) throw new UsageError(`put --parser="${name}": expected one of ${parserNames().join(', ')}`);
  return name;
}

function report({ output, plan }: CommandContext, path: TreePath, counts: ImportCounts, gone: number, seconds: number): void {
  const { newBlocks, newBytes, existingBlocks, existingBytes } = counts;
  const rate = (counts.bytes - counts.unchangedBytes) / Math.max(seconds, 0.001);
  output.record({
    ...octetsFields('path', path),
    ...(plan ? { plan: true } : {}),
    files: counts.files,
    bytes: counts.bytes,
    dirs: counts.dirs,
    others: counts.others,
    excluded: counts.excluded,
    unchanged_files: counts.unchangedFiles,
    unchanged_bytes: counts.unchangedBytes,
    new_blocks: newBlocks,
    new_bytes: newBytes,
    existing_blocks: existingBlocks,
    existing_bytes: existingBytes,
    gone,
    failures: counts.failures,
    seconds: Number(seconds.toFixed(3)),
    bytes_per_second: Math.round(rate),
  });
  const hasBlocks = newBlocks > 0 || (existingBlocks > 0 && counts.unchangedFiles < counts.files);
  const parts = [
    `${countText(counts.files, 'file')}, ${sizeText(counts.bytes)}${aboutFiles(counts, hasBlocks)}`,
    ...(hasBlocks
      ? [
          `${countText(newBlocks, 'Block')} new (${sizeText(newBytes)}), ${groupedDigits(existingBlocks)} existing (${sizeText(existingBytes)})`,
        ]
      : []),
    ...(counts.excluded > 0 ? [`${countText(counts.excluded, 'name')} excluded`] : []),
    `${seconds.toFixed(2)} s${rate > 0 ? `, ${sizeText(rate)}/s` : ''}`,
  ];
  output.line(`${plan ? 'would put' : 'put'} ${output.name(path)}: ${parts.join('; ')}`);
}

/** The number of files not read, or why a put of files has no Blocks. */
function aboutFiles({ files, bytes, unchangedFiles }: ImportCounts, hasBlocks: boolean): string {
  if (unchangedFiles > 0) return ` (${unchangedFiles === files ? 'unchanged' : `${groupedDigits(unchangedFiles)} unchanged`})`;
  return files > 0 && !hasBlocks && bytes <= files * MAX_LITERAL_SIZE ? ' (kept in the Dir)' : '';
}
