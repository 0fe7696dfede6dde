import { VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { ROOT_PATH, resolveTreePath } from '../core/tree/path.ts';
import type { TreePath } from '../core/tree/tree.ts';
import type { CommandContext, CommandInput } from './command.ts';
import { defineCommand } from './command.ts';
import { pathArgument } from './entry.ts';
import { FILTER_OPTIONS, filterWords } from './filter-options.ts';
import { resolveLocalPath } from './local-path.ts';

/** `mount`: the tree as a filesystem. */
export const mount = defineCommand({
  name: 'mount',
  group: 'mount',
  summary: 'mount the tree as a filesystem that every program can use',
  details: [
    'Without --foreground a process of its own serves the mount and goes on when this session ends; this session syncs first, and its changes are not seen there until the next mount. With --foreground this session serves it until it is taken away: by umount, by fusermount3 -u, or by SIGINT or SIGTERM, which end it in good order. Then everything is synced and the Dirref recited.',
    'What programs write is stored in the background; fsync waits until the file is stored and a root recorded that has it, and so does reading the attribute user.x-vt-blockref of a file, which is the reference to its content. SOURCE is what `open` takes; a past state (`default@1`) is mounted read-only. A mount point that is not there is made, and removed with the mount; one whose process has died is taken over.',
    'SUBPATH is the Dir that stands at the top of the mount. Where SOURCE is the mount point of a running mount, and in a shell that is attached to one, its process serves the same live tree at one place more, with a top and options of its own: what is changed in one is seen in all. The process ends with the last of them.',
    'While two mounts of one live tree can write, an append goes to the end of the file, whatever the other mount appended. A file that one of them opens for writing then passes the kernel page cache by, so that a shared writable mapping of it is refused (ENODEV). A file that was opened for writing before the second mount was made cannot be opened for writing through the second one until it is closed (EBUSY).',
    'The options of -o: ro (read-only); append-only (nothing is lost: new names, and octets at the ends of files; what would remove, rename, cut or overwrite is refused); all (every recorded state as a Dir named by its date, read-only; new ones appear); allow_other, noallow_other (whether users besides this one may go in; root lets them); suid, dev, noexec (a mount is nosuid and nodev, since a tree may come from a stranger; only root may allow setuid programs and devices); sync=SECONDS (between two syncs while something changes; 0 for none; default 30); nowriteback (writes are not collected in the page cache of the kernel, as they never are of append-only and of further mounts of a live tree; while a file is open in a mount that collects, what other mounts cut off is not seen there); volname=NAME (what the volume is called, in Finder and by `mounts`); include=PATTERN, exclude=PATTERN, filter=RULE, include-from=FILE, exclude-from=FILE (as --include and the like, before them; without commas in them); driver=kernel or driver=fuse-native (default kernel on Linux, where it speaks the protocol of FUSE itself, else fuse-native, which needs libfuse 2 or macFUSE).',
    'Names that --include, --exclude and the rules of --filter exclude (man 7 vt, "Filter rules") live in the mount and are never stored: caches, what a build makes. The first mount of a tree says which; a slash in front of a pattern is the top of that mount, and rules in files of each directory are not looked for. What is renamed to a name that is not excluded is stored at the next sync; what is renamed to an excluded one is not stored any more. What was stored under an excluded name before stays so until it changes. Excluded names go with the mount, also at a crash: umount asks at a terminal, and says how many they were. Their files take room where fronts lie, and fsync makes nothing of them durable.',
  ],
  changesLocal: true,
  endsByInterrupt: true,
  args: [
    { name: 'source', kind: 'reference', summary: 'a Dir of the open tree, or what open takes; default: the open tree', optional: true },
    { name: 'mountpoint', kind: 'local directory', summary: 'an empty directory, or one to be made', glob: false },
    { name: 'subpath', kind: 'reference', summary: 'the Dir to be at the top; default: all of it', optional: true },
  ],
  options: [
    { name: 'foreground', short: 'f', summary: 'serve it in this session, until it is taken away' },
    { name: 'subpath', short: 's', value: { name: 'PATH', kind: 'stored' }, summary: 'as SUBPATH, of the tree that is open' },
    { name: 'options', short: 'o', value: { name: 'OPTIONS', kind: 'text' }, summary: 'options, with commas between them' },
    ...FILTER_OPTIONS.filter(({ name }) => name !== 'filter-files' && name !== 'filter'),
    { name: 'filter', value: { name: 'RULE', kind: 'text' }, repeat: true, summary: 'a rule, as "- *.o"' },
  ],
  examples: [
    { line: 'mount /mnt/docs', says: 'the open tree stands at /mnt/docs' },
    { line: 'mount docs /mnt/docs', says: 'the Dir docs of the open tree stands at /mnt/docs' },
    { line: "mount -o ro 'D{...}' /mnt/old", says: 'a tree from its Dirref, read-only' },
    { line: "mount --exclude='*.o' --exclude=/build/ /mnt/src", says: 'object files and /mnt/src/build are there, and never stored' },
    { line: 'mount -o append-only /mnt/docs /srv/letters letters', says: 'the Dir letters of what stands at /mnt/docs, at one place more' },
  ],
  async run(context, input) {
    const { session } = context;
    const [argument = '' as Octets] = input.named.get('mountpoint') ?? [];
    const { source, place: local, subpath } = await whatIsMeant(context, input, argument);
    const mountPoint = resolveLocalPath(session.localCwd, local);
    const { mountOptionsText, parseMountOptions } = await import('./mount-options.ts');
    const given = parseMountOptions(mountOptionsText(input));
    const options = { ...given, filter: [...given.filter, ...filterWords(input)] };
    if (options.filter.length > 0 && (options.readOnly || options.all))
      throw new VtError('EUSAGE', 'mount: rules say what is not stored, and a read-only mount stores nothing', {
        remedy: 'leave them out',
      });
    const { runningMount, mountBeside } = await import('./mount-beside.ts');
    const socket = await runningMount(context, source);
    if (socket !== undefined) {
      if (input.options.has('foreground'))
        throw new VtError('EUSAGE', 'mount --foreground: the process of the running mount serves it', { remedy: 'leave out --foreground' });
      if (options.filter.length > 0)
        throw new VtError('EUSAGE', 'mount: rules are of the tree, and its first mount says them', {
          remedy: 'leave them out, or mount anew',
        });
      await mountBeside(context, socket, mountPoint, subpath, mountOptionsText(input));
      return;
    }
    const { checkedMountPoint } = await import('./mount-place.ts');
    const place = await checkedMountPoint(session.store, mountPoint);
    if (!input.options.has('foreground')) {
      const { mountBehind } = await import('./mount-behind.ts');
      await mountBehind(context, source, place, subpath, input);
      return;
    }
    if (source !== undefined) await session.open(source, context.signal);
    const { serveMount } = await import('./mount-serve.ts');
    await serveMount(context, place, subpath, options);
  },
});

/** What the arguments name. */
interface Meant {
  /** What to open; undefined: the tree that is open. */
  readonly source: Octets | undefined;
  /** The mount point, as it was typed. */
  readonly place: Octets;
  /** The Dir at the top: from the working path of the open tree, of another source from its own top. */
  readonly subpath: TreePath;
}

/** A Dir of the open tree is taken first, and `mount PLACE DIR` too where nothing else can be meant. */
async function whatIsMeant(context: CommandContext, { named, options }: CommandInput, place: Octets): Promise<Meant> {
  const { session } = context;
  const [source] = named.get('source') ?? [];
  const option = options.get('subpath');
  const [word = option === true ? undefined : option] = named.get('subpath') ?? [];
  if (source === undefined) return { source, place, subpath: word === undefined ? ROOT_PATH : pathArgument(session, word) };
  if (word !== undefined) return { source, place, subpath: resolveTreePath(ROOT_PATH, word) };
  if (await isStoredDir(context, source)) return { source: undefined, place, subpath: pathArgument(session, source) };
  const { canOnlyBeMountPoint } = await import('./mount-place.ts');
  if (canOnlyBeMountPoint(resolveLocalPath(session.localCwd, source)) && (await isStoredDir(context, place)))
    return { source: undefined, place: source, subpath: pathArgument(session, place) };
  return { source, place, subpath: ROOT_PATH };
}

/** Whether the open tree, if it can be mounted, has a Dir of this name. */
async function isStoredDir({ session, signal }: CommandContext, word: Octets): Promise<boolean> {
  if (!session.tree.can.sync) return false;
  const found = await session.tree.lookup(pathArgument(session, word), { signal }).catch(() => undefined);
  return found?.dirent.kind === 'dir';
}
