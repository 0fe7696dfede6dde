import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { Meta } from '../../core/dirent/meta.ts';
import type { Follower } from '../../core/follow/follower.ts';
import { makeDirs } from '../../core/tree/make-dirs.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { parentPath } from '../../core/tree/path.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { defineCommand } from '../command.ts';
import { pathArgument } from '../parts/entry.ts';
import { countText, octetsFields, sizeText } from '../parts/format.ts';
import { resolveLocalPath } from '../parts/local-path.ts';
import { beginFollower, DEFAULT_EVERY_MS } from '../parts/move/begin-follower.ts';
import { newMeta, newMode } from '../parts/new-meta.ts';
import { BEGUN_RECORD } from '../parts/records.ts';
import { tellPlan } from '../parts/tell-plan.ts';
import { numberOption } from '../words/number-option.ts';

/** The range of --every, in seconds. */
export const EVERY_SECONDS = { min: 0, max: 86_400 } as const;

/** `follow`: stores growing files in the tree as they are written. */
export const follow = defineCommand({
  name: 'follow',
  group: 'move',
  summary: 'keep storing files as they grow: logs, mailboxes, recordings',
  details: [
    'follow stores the files, and then what is appended to them, as long as the session lasts. It does so once a second at most, or earlier if 16 MiB wait. Each time it records a root: log NAME shows how the file grew, and get NAME@DATE gets any state. It reads only new bytes, and stores them with the last leaf of the content and the superblocks above it. wait makes a daemon of it, tails shows its progress, untail ends it.',
    'NAME holds all that was ever written to LOCAL, in order. A log may be renamed, copied and truncated, or removed and made again. If a file is rewritten with its old content in front, follow continues where it was. For files that are edited use watch. If LOCAL is a pattern, or there are several, each file goes into the Dir NAME under its own name. So does a single file if NAME is a Dir or ends in a slash. follow expands patterns itself, so new files that match are followed too. A rotated file that matches is not stored twice.',
    'A checkpoint below $XDG_STATE_HOME/vtftp/tails records how far each file is read. The same command in another session continues from there, even after kill -9: nothing is lost or stored twice. That includes files that were rotated meanwhile, if they are beside LOCAL and not compressed. If the Store lacks Blocks, as after gc or in a new Store, follow reads them from the files again.',
    'follow follows a symlink if the symlink and its directory belong to root or to you. The same holds for each symlink on the way. It names other symlinks and leaves them out: their owner could point them at files that only you may read. --links follows all.',
    'If storing fails, as on a full disk, follow tries again until it succeeds. It warns once when that begins, and once when it is over. It names a file that it cannot read, and continues with the others. It makes missing parents of NAME.',
  ],
  changes: true,
  plans: true,
  args: [
    { name: 'local', kind: 'local', summary: 'a growing file, which need not exist yet, or a pattern', repeat: true, glob: 'pattern' },
    { name: 'name', kind: 'stored', summary: 'the stored file, or the Dir that the files go into', glob: 'refused' },
  ],
  options: [
    {
      name: 'every',
      value: { name: 'SECONDS', kind: 'number', ...EVERY_SECONDS },
      summary: 'seconds between two rounds, at least; default 1; a round begins earlier if 16 MiB wait',
    },
    { name: 'links', summary: 'follow symlinks of any user; default: only those of root and your own' },
    {
      name: 'parser',
      value: { name: 'NAME', kind: 'text' },
      summary: 'use this parser for all files, or none; default: the one that fits each',
    },
  ],
  examples: [
    { line: 'follow /var/log/syslog logs/syslog', says: 'stores all that is ever written to it, through every rotation' },
    { line: 'follow /var/log/*.log logs/; wait', says: 'as a daemon: vtftp -c with this line' },
  ],
  records: [BEGUN_RECORD],
  async run(context, input) {
    const { session, diagnostics, signal, plan, output } = context;
    const { patterns, target, intoDir } = await targetOf(context, input);
    const what = patterns.map(octetsToText).join(' ');
    if (plan) {
      context.wouldChange();
      tellPlan(output, `follow ${what} into ${output.name(target)}`);
      return;
    }
    const everyMs = everyOption(input);
    const [{ TailGroup }, { localPattern }, { EdgeScanner }, { Ingest }, { systemOwnerNames }, { openAny, openOwn }, parser] =
      await Promise.all([
        import('../../core/follow/tail-group.ts'),
        import('../../core/follow/local-pattern.ts'),
        import('../../core/blockify/edge-scanner.ts'),
        import('../../core/blockify/ingest/ingest.ts'),
        import('../../core/base/system/owner-names.ts'),
        import('../../core/follow/tailed-file.ts'),
        parserOption(input),
      ]);
    const dirMeta = (): Meta => newMeta(context, newMode('dir'));
    const follower = await beginFollower(context, {
      command: 'follow',
      what,
      target,
      everyMs,
      make: async (checkpoint) => {
        await makeDirs(session.tree, intoDir ? target : parentPath(target), dirMeta(), { signal });
        const group = new TailGroup({
          store: session.store,
          tree: session.tree,
          scanner: new EdgeScanner(session.store.edges),
          makeIngest: () => new Ingest(session.store),
          patterns: patterns.map(localPattern),
          target,
          intoDir,
          dirMeta,
          parser,
          owners: systemOwnerNames(),
          opener: input.options.has('links') ? openAny : openOwn,
          monotonicMs: () => performance.now(),
          onNotice: (notice) => diagnostics.warn(notice),
        });
        if (checkpoint !== undefined) await group.restore(checkpoint, { signal });
        return group;
      },
    });
    reportBegun(context, 'following', follower, what, target);
  },
});

/** Prints what has begun, and what was stored before. */
export function reportBegun({ output }: CommandContext, verb: string, follower: Follower, what: string, target: TreePath): void {
  const { files, absent, size, newBytes } = follower.state();
  const parts = [`${countText(files - absent, 'file')}, ${sizeText(size)}`, `${sizeText(newBytes)} taken in`];
  if (absent > 0) parts.push(`${countText(absent, 'file')} awaited`);
  output.line(`${verb} ${what} into ${output.name(target)}: ${parts.join('; ')}`);
  output.record({ ...octetsFields('path', target), local: what, files, absent, bytes: size, new_bytes: newBytes });
}

async function targetOf(
  { session, signal }: CommandContext,
  { named }: CommandInput,
): Promise<{ readonly patterns: readonly Octets[]; readonly target: TreePath; readonly intoDir: boolean }> {
  const { hasGlob } = await import('../../core/base/glob-pattern.ts');
  const patterns = (named.get('local') ?? []).map((word) => resolveLocalPath(session.localCwd, word));
  const [name = '' as Octets] = named.get('name') ?? [];
  const target = pathArgument(session, name);
  const stored = await session.tree.lookup(target, { signal });
  const intoDir = patterns.length > 1 || patterns.some(hasGlob) || /(^|\/)\.{0,2}$/.test(name) || stored?.dirent.kind === 'dir';
  if (intoDir && stored !== undefined && stored.dirent.kind !== 'dir')
    throw new UsageError(`follow into "${octetsToText(target)}": it is not a Dir`);
  return { patterns, target, intoDir };
}

/** Milliseconds between rounds. */
export function everyOption(input: CommandInput): number {
  const seconds = numberOption(input, 'every');
  return seconds === undefined ? DEFAULT_EVERY_MS : seconds * 1000;
}

async function parserOption({ options, calledAs }: CommandInput): Promise<string | undefined> {
  const value = options.get('parser');
  if (value === undefined || value === true) return undefined;
  const { parserNames } = await import('../../core/blockify/choose-parser.ts');
  const name = octetsToText(value);
  if (!parserNames().includes(name)) throw new UsageError(`${calledAs} --parser="${name}": expected one of ${parserNames().join(', ')}`);
  return name;
}
