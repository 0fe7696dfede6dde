import type { VtErrorCode } from '../../core/base/errors.ts';
import { PathError, UsageError, VtError } from '../../core/base/errors.ts';
import { groupedDigits } from '../../core/base/grouped-digits.ts';
import { ItemError } from '../../core/base/item-error.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { libcLosses } from '../../core/base/system/libc.ts';
import { errorCode } from '../../core/base/system/system-error.ts';
import type { ExportOptions } from '../../core/export/export.ts';
import type { OwnerPolicy } from '../../core/export/export-attributes.ts';
import type { ExportCounts } from '../../core/export/export-report.ts';
import type { DirFilter } from '../../core/filter/dir-filter.ts';
import { joinPath } from '../../core/tree/path.ts';
import { isDamage } from '../../core/tree/walk.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';
import { distinctNames } from '../parts/distinct-names.ts';
import type { FoundEntry } from '../parts/entry.ts';
import { withEntry } from '../parts/entry.ts';
import { FILTER_OPTIONS, filterWords, nameFilterOf } from '../parts/filter-options.ts';
import { countText, octetsFields, sizeText } from '../parts/format.ts';
import { endsAsDirectory } from '../parts/local-path.ts';
import { withAllVersions } from '../parts/move/all-versions.ts';
import type { GetPlace, GetTarget } from '../parts/move/get-targets.ts';
import { getTarget, refuseSpecial } from '../parts/move/get-targets.ts';
import { ENTRY_TYPE, EXPORT_FIELDS } from '../parts/records.ts';
import type { ArgumentSpec } from '../words/argument-spec.ts';
import { FILES_FROM0 } from '../words/files-from.ts';

const OWNER_POLICIES: readonly OwnerPolicy[] = ['names', 'numeric', 'none'];
const NAMES: ArgumentSpec = { name: 'name', kind: 'stored', summary: 'what to copy out; a pattern may match several', repeat: true };

// Rules in each Dir would be the stored ones for what is copied, and the local ones for what is removed.
const NAME_OPTIONS = FILTER_OPTIONS.filter(({ name }) => name !== 'filter-files');

/** `get`: copies a stored file or tree to a local one. */
export const get = defineCommand({
  name: 'get',
  aliases: ['mget', 'reget'],
  group: 'move',
  summary: 'copy files and trees out to local ones',
  reports: true,
  changesLocal: true,
  plans: true,
  details: [
    'get writes NAME to LOCAL. If LOCAL is a directory, NAME goes inside under its own name, as with cp and sftp. So do several names. Without LOCAL it goes into the local working directory. NAME/. means the contents of a Dir: they go into LOCAL itself. LOCAL then keeps its own mode, owner and times, unless -p is given. mget takes names only. man 1 vtftp has a table of all cases.',
    'get restores modes with setuid, setgid and sticky, owners, and times to the nanosecond. It restores extended attributes, ACLs, hard links, symlinks, FIFOs, sockets, devices and holes. Owners are restored by name if the name is known here, else by number; --owner changes that. Users other than root restore no owners, unless --owner is given.',
    'get verifies every Block. It writes a file under a temporary name, and renames it when it is complete. If Blocks of a file are missing or damaged, get names them, leaves the file out, and goes on. The exit status is 13 if nothing else failed. It is 12 if permissions were lacking and nothing was written, else 3. Local names that the tree does not have stay. Nothing is ever written outside LOCAL: a symlink to a file at LOCAL is replaced, and no symlink inside is followed. A device, FIFO or socket at LOCAL is not replaced, nor a symlink to one.',
    'NAME@N and NAME@DATE give NAME as it was in a past state, as with cd @N. DIR@N/NAME is the same as DIR/NAME@N. If link(2) allows no more names of a file, further names become copies; get says so once. A later get removes the temporary files (.vtftp-…) of a killed get from the same directory.',
    '--no-special is for trees of strangers, above all as root: you own what get makes, and it gives nobody rights. Devices are left out and counted. Extended attributes are restored only if their names begin with user.',
    '--delete makes the directory exactly what the Dir is, as rsync does: it also removes local names that the Dir does not have, before anything is written. It removes nothing outside that directory, follows no symlink and enters no other filesystem. -n shows what it would remove, and at a terminal get asks first. If a Dir that it has to compare is damaged, it removes nothing.',
    'The rules of --include, --exclude and --filter are as in put; a pattern with a leading slash begins at the Dir NAME. Excluded names are not copied, and --delete leaves them alone.',
    'With -c, or as reget, get skips a file whose size and modification time are the same. So the same line continues an interrupted get.',
  ],
  args: [
    NAMES,
    { name: 'local', kind: 'local', summary: 'a local path; default: the local working directory', optional: true, glob: 'refused' },
  ],
  aliasArgs: { mget: [NAMES] },
  options: [
    { name: 'continue', short: 'c', aliases: ['resume'], summary: 'skip files that are complete already' },
    { name: 'all-versions', summary: 'write each distinct recorded version, as NAME@N in the directory LOCAL' },
    { name: 'delete', summary: 'remove local names that the Dir does not have' },
    ...NAME_OPTIONS,
    FILES_FROM0,
    { name: 'keep', short: 'k', summary: 'skip every name that exists already' },
    { name: 'no-special', summary: 'restore nothing that gives rights: no devices, setuid, setgid, owners, capabilities or ACLs' },
    { name: 'owner', value: { kind: 'text', choices: OWNER_POLICIES }, summary: 'how owners are restored' },
    { name: 'recursive', short: 'r', alsoShort: 'R', summary: 'accepted: a Dir is always copied with all below it' },
    { name: 'preserve', short: 'p', summary: 'with NAME/.: give LOCAL itself the metadata of NAME too' },
  ],
  examples: [
    { line: 'get docs /tmp', says: 'copies the Dir docs to /tmp/docs' },
    { line: 'get docs/. /srv/www', says: 'copies the contents of docs into /srv/www, which keeps its own mode and owner' },
    { line: 'get --delete docs/. ~/docs', says: 'makes ~/docs exactly what docs is' },
    { line: 'get docs@3 /tmp/old', says: 'copies docs as it was in state 3' },
    { line: 'get --all-versions notes.txt .', says: 'writes notes.txt@1, notes.txt@4 and so on, as log notes.txt lists them' },
    { line: 'get --no-special theirs out', says: 'copies a tree from a stranger without devices, setuid bits and owners' },
    { line: 'get *.pdf .', says: 'copies several files into the local working directory' },
  ],
  records: [
    { name: 'Got', summary: 'the result of writing a path', fields: { path: 'name', local: 'name', ...EXPORT_FIELDS } },
    {
      name: 'GetEffect',
      summary: 'the planned change of a local name',
      fields: {
        plan: { choices: ['get'] },
        action: { choices: ['make', 'replace', 'enter', 'skip', 'refuse', 'remove'] },
        type: { ...ENTRY_TYPE, optional: true },
        local: 'name',
        bytes: 'integer?',
        blocks: 'integer?',
        link: 'true?',
        reason: 'text?',
      },
    },
  ],
  async run(context, input) {
    const { named, options, calledAs } = input;
    const { session, signal, plan, diagnostics } = context;
    const given = named.get('name') ?? [];
    if (options.has('no-special') && options.has('owner')) throw new UsageError('get: --no-special restores no owners: leave out --owner');
    const place = { localCwd: session.localCwd, local: named.get('local')?.[0], isOneOfMany: given.length > 1 };
    if (place.local === '-') throw new UsageError('get: - is no file', { remedy: 'use cat NAME, or ./- for a file of that name' });
    if (calledAs === 'mget') await requireLast(context, given);
    const isAll = options.has('all-versions');
    const deletes = options.has('delete');
    if (deletes && (isAll || options.has('keep')))
      throw new UsageError(`get: --delete does not go together with --${isAll ? 'all-versions' : 'keep'}`);
    const rules = await nameFilterOf(filterWords(input), session.localCwd, 'get does not read rules from files in Dirs');
    const names = isAll ? given : await distinctSources(context, given, place, calledAs);
    const settings: ExportOptions = {
      signal,
      resume: options.has('continue') || calledAs === 'reget',
      existing: options.has('keep') ? 'keep' : 'replace',
      keepsTopMeta: !options.has('preserve'),
      swept: new Set(),
      special: !options.has('no-special'),
      ...ownerOption(options.get('owner')),
    };
    const losses = libcLosses();
    if (losses.length > 0 && !plan) diagnostics.warn(`get: on this machine ${losses.join('; ')}`);
    const { NO_EXPORT_COUNTS } = await import('../../core/export/export-report.ts');
    const total: ExportCounts = { ...NO_EXPORT_COUNTS };
    let planned = 0;
    for (const name of names) {
      try {
        const take = async (found: FoundEntry, target: GetTarget): Promise<void> => {
          refuseSpecial(found.entry, target.local);
          const filter = rules?.at(target.local, () => undefined);
          if (deletes) await deleteBefore(context, found, target, filter, total);
          if (plan) {
            await preview(context, found, target, { ...settings, filter, clears: deletes });
            planned++;
          } else await getOne(context, found, target, { ...settings, filter }, total);
        };
        if (isAll) await withAllVersions(context, name, place, async ({ found, target }) => await take(found, target));
        else {
          const follow = endsAsDirectory(name);
          await withEntry(session, name, calledAs, { follow, signal }, async (found) => {
            await take(found, getTarget(place, name, found.entry));
          });
        }
      } catch (error) {
        // If one of several fails, it is reported, and the others are still copied.
        if (given.length === 1 || !(error instanceof VtError) || !PASSED_CODES.includes(error.code)) throw error;
        diagnostics.failure(error);
        total.failures++;
        if (error.code === 'EPERM') total.denied++;
        if (isDamage(error)) total.damaged++;
      }
    }
    if (plan && total.failures === 0) return;
    if (!plan && isAnythingDone(total)) context.output.line(summaryOf(total));
    if (total.failures > 0) throw failureOf(total, planned > 0, calledAs);
  },
});

/**
 * Refuses a last name that the tree lacks: who types it may mean a directory, and the files would replace others in the working one.
 *
 * @throws {VtError} EFAILED
 */
async function requireLast({ session, signal }: CommandContext, names: readonly Octets[]): Promise<void> {
  const last = names.at(-1);
  if (names.length < 2 || last === undefined) return;
  try {
    await withEntry(session, last, 'mget', { follow: endsAsDirectory(last), signal }, async () => await Promise.resolve());
  } catch (error) {
    if (!(error instanceof PathError)) throw error;
    const remedy = 'mget takes stored names only: get NAME... DIR names a directory';
    throw new VtError('EFAILED', `mget "${octetsToText(last)}": not in the tree, so nothing is written`, { cause: error, remedy });
  }
}

/** Removes local names that the Dir lacks. If the Dir is damaged, removes nothing, and readable entries are still copied. */
async function deleteBefore(
  context: CommandContext,
  { tree, entry }: FoundEntry,
  { source, local }: GetTarget,
  filter: DirFilter | undefined,
  total: ExportCounts,
): Promise<void> {
  const { removeExtraneous } = await import('../parts/move/get-delete.ts');
  try {
    const dirent = await tree.dirent(source, { signal: context.signal });
    const { failures } = await removeExtraneous(context, tree.store, dirent, local, filter);
    total.failures += failures;
  } catch (error) {
    if (!isDamage(error)) throw error;
    context.diagnostics.failure(new ItemError('get --delete', entry.path, error, { before: 'nothing was removed: ' }));
    total.failures++;
    total.damaged++;
  }
}

/** Sources without duplicates. @throws {VtError} EFAILED if two would become one local file */
async function distinctSources(
  context: CommandContext,
  names: readonly Octets[],
  place: GetPlace,
  calledAs: string,
): Promise<readonly Octets[]> {
  if (names.length === 1) return names;
  const pairs: { readonly name: Octets; readonly source: Octets; readonly target: Octets }[] = [];
  for (const name of names) {
    try {
      await withEntry(
        context.session,
        name,
        calledAs,
        { follow: endsAsDirectory(name), signal: context.signal },
        async ({ entry, tree }) => {
          const { local, isContents } = getTarget(place, name, entry);
          const source = (tree === context.session.tree ? entry.path : name) as Octets;
          // Contents of several Dirs may go into one directory.
          pairs.push({ name, source, target: isContents ? (`${local}/. ${source}` as Octets) : local });
          await Promise.resolve();
        },
      );
    } catch (error) {
      if (!(error instanceof VtError) || error.code === 'ECANCELLED') throw error;
      pairs.push({ name, source: name, target: name }); // the error is reported when its turn comes
    }
  }
  return distinctNames(context, calledAs, pairs).map(({ name }) => name);
}

/** Errors of one name after which the next is tried. */
const PASSED_CODES: readonly VtErrorCode[] = ['EFAILED', 'EPERM', 'EMISSING', 'ECORRUPT', 'EPARSE', 'EUNSUPPORTED'];

/**
 * The final error of a get that has reported its failures. If nothing was made for lack of permission, exit status 12. If all
 * failures are damage, 13. If nothing was made, 1. Otherwise it is done in part: 3.
 */
function failureOf(total: ExportCounts, isPlanned: boolean, calledAs: string): VtError {
  const failed = `${countText(total.failures, 'item')} failed`;
  const isNothing = !isAnythingDone({ ...total, dirs: 0 });
  if (isNothing && total.denied === total.failures)
    return new VtError('EPERM', `${calledAs}: nothing done, ${failed} for lack of permission`);
  if (total.damaged === total.failures)
    return new VtError('ECORRUPT', `${calledAs}: done in part, ${failed} for missing or damaged Blocks`);
  if (!isPlanned && !isAnythingDone(total)) return new VtError('EFAILED', `${calledAs}: failed, nothing was written`);
  return new VtError('EPARTIAL', `${calledAs}: done in part, ${failed}`);
}

/** Whether something was made, or was up to date already. */
function isAnythingDone({ files, dirs, symlinks, specials, links, skipped, omitted }: ExportCounts): boolean {
  return files + dirs + symlinks + specials + links + skipped + omitted > 0;
}

function ownerOption(value: true | Octets | undefined): Pick<ExportOptions, 'owner'> {
  const owner = OWNER_POLICIES.find((policy) => policy === value);
  return owner === undefined ? {} : { owner };
}

async function getOne(
  context: CommandContext,
  { tree, entry }: FoundEntry,
  { source, local: target, isContents }: GetTarget,
  settings: ExportOptions,
  total: ExportCounts,
): Promise<void> {
  const { output, diagnostics, signal } = context;
  const { exportDirent } = await import('../../core/export/export.ts');
  const dirent = await tree.dirent(source, { signal });
  const before = { ...total };
  const counts = await exportDirent(tree.store, dirent, target, {
    ...settings,
    keepsTopMeta: isContents && settings.keepsTopMeta === true,
    onNotice: (notice) => diagnostics.warn(`get: ${notice}`),
    onFailure({ path, error, isAttribute }) {
      const where = path === '' ? entry.path : joinPath(entry.path, path);
      // The stored path exists; the local one cannot be written.
      const isLocal = !isAttribute && !(error instanceof VtError) && errorCode(error) !== undefined;
      const before = isLocal ? `write to ${octetsToText((path === '' ? target : `${target}/${path}`) as Octets)}: ` : '';
      diagnostics.failure(new ItemError('get', where, error, { before }));
    },
    onProgress(now) {
      diagnostics.progress({
        label: 'get',
        doneBytes: before.bytes + now.bytes,
        doneItems: before.files + now.files,
        ...(dirent.kind === 'file' ? { totalBytes: before.bytes + dirent.block.span } : {}),
      });
    },
  });
  output.record({ ...octetsFields('path', entry.path), ...octetsFields('local', target), ...counts });
  for (const key of Object.keys(total) as (keyof ExportCounts)[]) total[key] += counts[key];
}

function summaryOf(counts: ExportCounts): string {
  const parts = [`${countText(counts.files, 'file')} (${sizeText(counts.bytes)})`];
  if (counts.dirs > 0) parts.push(countText(counts.dirs, 'Dir'));
  if (counts.symlinks > 0) parts.push(countText(counts.symlinks, 'symlink'));
  if (counts.links > 0) parts.push(countText(counts.links, 'hard link'));
  if (counts.specials > 0) parts.push(countText(counts.specials, 'special file'));
  if (counts.omitted > 0) parts.push(`${countText(counts.omitted, 'device')} left out`);
  if (counts.skipped > 0) parts.push(`${groupedDigits(counts.skipped)} left alone`);
  return `got ${parts.join(', ')}`;
}

async function preview(
  { output, signal }: CommandContext,
  { tree }: FoundEntry,
  { source, local: target }: GetTarget,
  settings: ExportOptions & { readonly clears: boolean },
): Promise<void> {
  const { previewExport } = await import('../../core/export/export-preview.ts');
  const dirent = await tree.dirent(source, { signal });
  let bytes = 0;
  let blocks = 0;
  for await (const effect of previewExport(tree.store, dirent, target, settings)) {
    bytes += effect.bytes;
    blocks += effect.blocks;
    output.record({
      plan: 'get',
      action: effect.action,
      ...(effect.kind === undefined ? {} : { type: effect.kind }),
      ...octetsFields('local', effect.local),
      bytes: effect.bytes,
      blocks: effect.blocks,
      ...(effect.isLink ? { link: true } : {}),
      ...(effect.reason === undefined ? {} : { reason: effect.reason }),
    });
    const what = effect.isLink ? 'hard link' : (effect.kind ?? 'entry');
    const size =
      effect.kind === 'file' && !effect.isLink && effect.action !== 'skip'
        ? ` (${sizeText(effect.bytes)}, ${countText(effect.blocks, 'Block')})`
        : '';
    output.line(
      `would ${effect.action} ${what} ${output.name(effect.local)}${size}${effect.reason === undefined ? '' : `: ${effect.reason}`}`,
    );
  }
  output.line(`would write ${sizeText(bytes)} from ${countText(blocks, 'Block')}`);
}
