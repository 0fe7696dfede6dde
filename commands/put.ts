import { lstatSync, realpathSync } from 'node:fs';
import { PathError, UsageError, VtError } from '../core/base/errors.ts';
import { groupedDigits } from '../core/base/grouped-digits.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsFromBytes, octetsToText } from '../core/base/octets.ts';
import { errorCode, errorReason, pathBytes } from '../core/base/system-error.ts';
import type { BlockSource } from '../core/block/block-source.ts';
import type { Dirent, IndirectDirent } from '../core/dirent/dirent.ts';
import type { DirFilter } from '../core/filter/dir-filter.ts';
import type { NameFilter } from '../core/filter/name-filter.ts';
import type { ImportCounts, Imported } from '../core/import/import.ts';
import { baseName, joinPath, parentPath } from '../core/tree/path.ts';
import type { TreePath } from '../core/tree/tree.ts';
import type { CommandContext, CommandInput } from './command.ts';
import { defineCommand } from './command.ts';
import { pathArgument, requireEntry } from './entry.ts';
import { FILTER_OPTIONS, filterWords, nameFilterOf } from './filter-options.ts';
import { countText, octetsFields, sizeText } from './format.ts';
import { resolveLocalPath } from './local-path.ts';
import { storeFolderTest } from './store-folders.ts';

type NodeDirent = Exclude<Dirent, IndirectDirent>;

/** `put`: local files and trees into the tree. */
export const put = defineCommand({
  name: 'put',
  aliases: ['mput', 'reput'],
  group: 'move',
  summary: 'import local files and trees',
  changes: true,
  plans: true,
  details: [
    'With one LOCAL, NAME becomes exactly what LOCAL is, metadata, hard links, holes and all: a second put of the same tree gives the same Dirref. Names that LOCAL has not are gone from NAME, and counted; undo brings them back, and --merge keeps them. Without NAME it is the last element of LOCAL. Where NAME ends in a slash, is . or .., or there are several LOCALs, each goes into the Dir NAME under its own name.',
    'Files that are as an earlier put left them (by device, inode, size, mtime and ctime) are not opened. A file that cannot be read is named, the rest goes in, and the exit status is 3; so it is for a file that changes all the time while it is read, of which the last state read is kept. Symlinks are put as symlinks. Nothing is in the tree before all of it is stored.',
    'Where the syntax of a file is known (man 7 vt, "Parsers") its parts become Blocks, so that they are found again elsewhere. --parser chooses one for all files, or none; it counts for files that are read, which with another choice than last time are all.',
    'What --include, --exclude and the rules of --filter say about names counts in the order in which it stands, the first that matches first, as with rsync (man 7 vt, "Filter rules"); an excluded Dir is left out with all below. A pattern with a slash in front begins at LOCAL; where there are several LOCALs, at the directory that they are in, and each is left out itself if its name is excluded. NAME becomes what LOCAL is without the excluded names: those that it had are gone as others are, unless --merge keeps them.',
    'The report tells the files and octets of content, and how many Blocks and octets were new to the Store and how many it had.',
  ],
  args: [
    { name: 'local', kind: 'local', summary: 'a local file or directory', repeat: true },
    {
      name: 'name',
      kind: 'stored',
      summary: 'what it becomes, or with a slash at its end the Dir it goes into',
      optional: true,
      glob: false,
    },
  ],
  options: [
    { name: 'merge', short: 'm', summary: 'keep names that only the stored tree has' },
    { name: 'one-file-system', short: 'x', summary: 'leave out what is mounted below LOCAL: mount points become empty Dirs' },
    { name: 'owner', value: { name: 'HOW', kind: 'text' }, summary: 'numeric: record owners without their names' },
    {
      name: 'parser',
      value: { name: 'NAME', kind: 'text' },
      summary: 'where Blocks end in files whose syntax is known: the parser for all of them, or none; default: the one that fits each',
    },
    ...FILTER_OPTIONS,
    { name: 'reread', summary: 'read every file, also those that are as they were' },
    { name: 'recursive', short: 'r', summary: 'accepted: directories always go with all below' },
    { name: 'preserve', short: 'p', summary: 'accepted: metadata is always kept' },
    { name: 'resume', short: 'c', aliases: ['continue'], summary: 'accepted: what is stored already is never stored again' },
  ],
  examples: [
    { line: 'put ~/docs', says: 'docs in the working path is now as ~/docs' },
    { line: 'put a.txt b.txt texts/', says: 'both go into texts' },
    { line: "put --exclude='*.o' --exclude=/build/ ~/src", says: 'src without object files and without its build directory' },
  ],
  async run(context, input) {
    const rules = await nameFilterOf(filterWords(input), context.session.localCwd);
    const targets = await targetsOf(context, input, rules);
    for (const target of targets) {
      try {
        await putOne(context, input, target);
      } catch (error) {
        if (targets.length === 1 || !(error instanceof VtError) || error.code !== 'EFAILED') throw error;
        context.diagnostics.failure(error);
      }
    }
  },
});

/** A local path, and the path in the tree that it becomes. */
interface Target {
  readonly local: Octets;
  readonly path: TreePath;
  /** The rules as they hold in it. */
  readonly filter?: DirFilter | undefined;
}

async function targetsOf(
  { session, diagnostics, signal }: CommandContext,
  { named }: CommandInput,
  rules: NameFilter | undefined,
): Promise<Target[]> {
  const locals = (named.get('local') ?? []).map((word) => ({ word, local: resolveLocalPath(session.localCwd, word) }));
  const [name] = named.get('name') ?? [];
  const intoDir = name === undefined || locals.length > 1 || /(^|\/)\.{0,2}$/.test(name);
  const path = name === undefined ? session.cwd : pathArgument(session, name);
  const dir = intoDir ? path : parentPath(path);
  // Better now than when all is read.
  const parent = await requireEntry(session.tree, dir, 'put into', { signal });
  if (parent.dirent.kind !== 'dir') throw new PathError('ENOTDIR', 'put into', octetsToText(dir));
  const targets = locals.map(({ word, local }) => {
    const own = baseName(local as TreePath);
    if (intoDir && own === '') throw new UsageError(`put "${octetsToText(word)}": it has no name of its own; give a NAME`);
    // As everywhere, a slash after a symlink means the directory that it leads to.
    const followed = word.endsWith('/') ? realPath(local) : local;
    return { local: followed, path: intoDir ? joinPath(path, own) : path };
  });
  if (rules === undefined) return targets;
  const { readLocalRules } = await import('../core/filter/read-rules.ts');
  if (targets.length === 1) return targets.map((target) => ({ ...target, filter: rules.at(target.local, readLocalRules) }));
  const left = targets.flatMap((target) => {
    const top = rules.at(parentPath(target.local as TreePath), readLocalRules);
    const name = baseName(target.local as TreePath);
    return top.excludes(name, isDirectory(target.local)) ? [] : [{ ...target, filter: top.enter(name) }];
  });
  if (left.length < targets.length)
    diagnostics.warn(`put: ${left.length === 0 ? 'all' : targets.length - left.length} of ${targets.length} excluded`);
  return left;
}

function isDirectory(local: Octets): boolean {
  return lstatSync(pathBytes(local), { throwIfNoEntry: false })?.isDirectory() === true;
}

function realPath(local: Octets): Octets {
  try {
    return octetsFromBytes(realpathSync.native(pathBytes(local), 'buffer'));
  } catch {
    // What is wrong with it comes out when it is read.
    return local;
  }
}

async function putOne(context: CommandContext, { options }: CommandInput, { local, path, filter }: Target): Promise<void> {
  const { session, diagnostics, signal, plan } = context;
  const owner = options.get('owner');
  if (owner !== undefined && owner !== 'numeric')
    throw new UsageError(`put --owner="${owner === true ? '' : octetsToText(owner)}": expected numeric`);
  const parser = await parserOption(options.get('parser'));
  const startMs = performance.now();
  const { importLocal } = await import('../core/import/import.ts');
  // What a put before this one in the session remembered can be read from now on. Costs nothing where nothing was added.
  await session.store.flush({ signal });
  let imported: Imported;
  try {
    imported = await importLocal(session.store, local, {
      signal,
      plan,
      numericOwners: owner === 'numeric',
      oneFilesystem: options.has('one-file-system'),
      reread: options.has('reread'),
      parser,
      filter,
      isStoreFolder: storeFolderTest(session.store.folders ?? []),
      onFailure: (failed, error) => diagnostics.failure(`put "${octetsToText(failed)}": ${errorReason(error)}`),
      onWarning: (where, what) => diagnostics.warn(`put "${octetsToText(where)}": ${what}`),
      onProgress: (counts) =>
        diagnostics.progress({
          label: 'put',
          doneBytes: counts.bytes,
          doneItems: counts.files,
          newBlocks: counts.newBlocks,
          existingBlocks: counts.existingBlocks,
        }),
    });
  } catch (error) {
    if (error instanceof VtError) throw error;
    const code = errorCode(error) === 'EACCES' || errorCode(error) === 'EPERM' ? 'EPERM' : 'EFAILED';
    throw new VtError(code, `put "${octetsToText(local)}": ${errorReason(error)}`, { cause: error });
  }
  const dirent = { ...imported.dirent, name: baseName(path) };
  const gone = await place(context, path, dirent, options.has('merge'));
  report(context, path, imported.counts, gone, (performance.now() - startMs) / 1000);
}

/** The name of a parser, as asked for. */
async function parserOption(value: Octets | true | undefined): Promise<string | undefined> {
  if (value === undefined) return undefined;
  const { parserNames } = await import('../core/blockify/choose-parser.ts');
  const name = value === true ? '' : octetsToText(value);
  if (!parserNames().includes(name)) throw new UsageError(`put --parser="${name}": expected one of ${parserNames().join(', ')}`);
  return name;
}

/** Puts a Dirent into the tree. @returns how many names of the Dir that stood there are gone */
async function place({ session, signal, plan }: CommandContext, path: TreePath, dirent: NodeDirent, merge: boolean): Promise<number> {
  const { tree } = session;
  const before = await tree.lookup(path, { follow: false, signal });
  if (before?.dirent.kind !== 'dir' || dirent.kind !== 'dir') {
    if (!plan) await tree.bind(path, dirent, { signal });
    return 0;
  }
  if (merge) {
    const { bindOver } = await import('../core/tree/bind-over.ts');
    if (!plan) await bindOver(tree, path, dirent, { signal });
    return 0;
  }
  if (plan) return 0;
  // Unchanged, as most often: lifting and comparing the trees would take as long as walking them did.
  const { encodeDirent } = await import('../core/dirent/dirent-codec.ts');
  if (!tree.changed && Buffer.compare(encodeDirent(before.dirent), encodeDirent(dirent)) === 0) return 0;
  const gone = await countGone(session.store, await tree.dirent(path, { signal }), dirent, signal);
  await tree.bind(path, dirent, { signal });
  return gone;
}

async function countGone(source: BlockSource, before: NodeDirent, after: NodeDirent, signal: AbortSignal): Promise<number> {
  const { diffDirents } = await import('../core/tree/diff.ts');
  let gone = 0;
  let removed: TreePath | undefined;
  for await (const item of diffDirents(source, before, after, { signal })) {
    if (item.kind === 'removed') {
      gone++;
      removed = item.path;
    } else if (item.kind === 'added' && item.path === removed) gone--; // it became another kind
  }
  return gone;
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
  const parts = [
    `${countText(counts.files, 'file')}, ${sizeText(counts.bytes)}${counts.unchangedFiles > 0 ? ` (${groupedDigits(counts.unchangedFiles)} unchanged)` : ''}`,
    `${countText(newBlocks, 'Block')} new (${sizeText(newBytes)}), ${groupedDigits(existingBlocks)} existing (${sizeText(existingBytes)})`,
    ...(counts.excluded > 0 ? [`${countText(counts.excluded, 'name')} excluded`] : []),
    ...(gone > 0 ? [`${countText(gone, 'name')} gone`] : []),
    `${seconds.toFixed(2)} s${rate > 0 ? `, ${sizeText(rate)}/s` : ''}`,
  ];
  output.line(`${plan ? 'would put' : 'put'} ${output.name(path)}: ${parts.join('; ')}`);
}
