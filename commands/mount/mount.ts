import { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { ROOT_PATH, resolveTreePath } from '../../core/tree/path.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { defineCommand } from '../command.ts';
import { pathArgument } from '../parts/entry.ts';
import { filterWords } from '../parts/filter-options.ts';
import { resolveLocalPath } from '../parts/local-path.ts';
import { MOUNT_FILTER_OPTIONS, MOUNT_OPTIONS } from '../parts/mount/mount-option-rows.ts';
import { MOUNTED_RECORD } from '../parts/records.ts';
import { mounts } from './mounts.ts';

/** `mount`: the tree as a filesystem. */
export const mount = defineCommand({
  name: 'mount',
  group: 'mount',
  // A process that serves in the background is started so.
  unnoted: ['--foreground', '--'],
  summary: 'mount the tree as a filesystem for every program',
  details: [
    'Without --foreground a process of its own serves the mount, and keeps running when this session ends. This session syncs first. Its later changes appear in the mount once they are synced, as do those of other sessions and of mounts on other machines. The mount merges them with its own changes, and its log names conflicts. Stores in buckets and over HTTP do not announce changes: with them the mount merges at its own syncs. With --foreground this session serves the mount until umount, fusermount3 -u, SIGINT or SIGTERM ends it. Then it saves the tree and prints the Dirref.',
    'The mount stores what programs write in the background. fsync writes changes to a journal, and the mount records a root with them soon after; see MOUNTS AND LOCAL FILESYSTEMS. The attribute user.x-vt-blockref of a file is the reference to its content; reading it waits until the file is stored. The mount chooses a parser as put does (see man 7 vt); to choose one, set user.x-vt-parser before the last close. SOURCE is as with `open`; a past state (`STORE@1`) is mounted read-only. mount makes a mount point that does not exist, and umount removes it. mount takes over a mount point whose process has died.',
    'Without arguments mount lists all mounts. If SOURCE is the mount point of a running mount, its process serves the same live tree at a second mount point. So does mount from an attached shell. Each mount has its own SUBPATH and options, and shows changes made in the others. The process ends with the last of its mounts.',
    'While two mounts of one live tree can write, an append always goes to the present end of the file. A file that one of them opens for writing bypasses the kernel page cache, so a shared mapping of it is refused (ENODEV). SQLite in WAL mode needs such a mapping: through two mounts it works only with locking_mode=exclusive. The second mount refuses to write a file (EBUSY) that was open for writing before that mount was made, until the file is closed.',
    'Locks of fcntl(2) and flock(2) apply to all mounts of a live tree. They wait, can be interrupted, and fail with EDEADLK as on a local filesystem. A process that uses two mounts counts as two owners. Open file description locks also fail with EDEADLK if they would wait for each other. A mount made read-only before any mount could write has its own locks, and so has a mount with driver=fuse-native.',
    'A mount is nosuid and nodev by default, since a tree may come from a stranger. The kernel never collects writes of append-only mounts, or of second and later mounts of a live tree. While a mount with writeback has a file open, it does not see that another mount truncates the file. Rules in -o apply before --include and the like, and cannot contain commas.',
    'Excluded names exist only in the mount and are never stored, such as caches and the products of a build. --include, --exclude and --filter set the rules; see man 7 vt, "Filter rules". Only the first mount of a tree can set them. A leading slash in a pattern is the top of that mount; files of rules in directories are not read. If a file is renamed to a name that is not excluded, the next sync stores it. If it is renamed to an excluded name, it is no longer stored. Content that was stored under an excluded name before stays until it changes. Excluded names are lost with the mount, even in a crash: at a terminal umount asks first, and it prints how many are lost. The machine keeps their content where it keeps unsaved content, and fsync does not make them durable.',
  ],
  changesLocal: true,
  standsAlone: true,
  endsByInterrupt: true,
  args: [
    { name: 'source', kind: 'reference', summary: 'a Dir of the open tree, or what open takes; default: the open tree', optional: true },
    { name: 'mountpoint', kind: 'local directory', summary: 'an empty directory, or a new one', glob: false },
    { name: 'subpath', kind: 'reference', summary: 'the Dir to mount; default: the whole tree', optional: true },
  ],
  options: [
    { name: 'foreground', short: 'f', summary: 'serve the mount in this session, until it is unmounted' },
    { name: 'subpath', short: 's', value: { name: 'PATH', kind: 'stored' }, summary: 'as SUBPATH, in the open tree' },
    { name: 'options', short: 'o', value: { name: 'OPTIONS', kind: 'text', options: MOUNT_OPTIONS }, summary: 'mount options' },
    ...MOUNT_FILTER_OPTIONS,
  ],
  examples: [
    { line: 'mount /mnt/docs', says: 'mounts the open tree at /mnt/docs' },
    { line: 'mount', says: 'lists all mounts, as mounts does' },
    { line: 'mount docs /mnt/docs', says: 'mounts the Dir docs of the open tree at /mnt/docs' },
    { line: "mount -o ro 'D{...}' /mnt/old", says: 'mounts a tree from its Dirref, read-only' },
    {
      line: "mount --exclude='*.o' --exclude=/build/ /mnt/src",
      says: 'object files and /mnt/src/build can be made there, but are never stored',
    },
    { line: 'mount -o append-only /mnt/docs /srv/letters letters', says: 'mounts the Dir letters of the tree at /mnt/docs a second time' },
  ],
  records: [
    MOUNTED_RECORD,
    { name: 'ExcludedGone', summary: 'excluded names that were lost with a mount', fields: { excluded_gone: 'integer' } },
  ],
  async run(context, input) {
    const { session } = context;
    const [argument] = input.named.get('mountpoint') ?? [];
    if (argument === undefined) {
      if (input.options.size > 0)
        throw new VtError('EUSAGE', 'mount: MOUNTPOINT is missing', { remedy: 'name an empty directory, or a new one' });
      await mounts.run(context, input);
      return;
    }
    const { source, place: local, subpath } = await whatIsMeant(context, input, argument);
    const mountPoint = resolveLocalPath(session.localCwd, local);
    const { mountOptionsText, parseMountOptions } = await import('../parts/mount/mount-options.ts');
    const given = parseMountOptions(mountOptionsText(input));
    const options = { ...given, filter: [...given.filter, ...filterWords(input)] };
    if (options.filter.length > 0 && (options.readOnly || options.all))
      throw new VtError('EUSAGE', 'mount: filters have no effect on a read-only mount', {
        remedy: 'leave out --include, --exclude and --filter',
      });
    const { runningMount, mountBeside } = await import('../parts/mount/mount-beside.ts');
    const socket = await runningMount(context, source);
    if (socket !== undefined) {
      if (input.options.has('foreground'))
        throw new VtError('EUSAGE', 'mount --foreground: the process of the running mount serves this one too', {
          remedy: 'leave out --foreground',
        });
      if (options.filter.length > 0)
        throw new VtError('EUSAGE', 'mount: only the first mount of a tree can set filters', {
          remedy: 'leave them out, or umount it first',
        });
      await mountBeside(context, socket, mountPoint, subpath, mountOptionsText(input));
      return;
    }
    const { checkedMountPoint } = await import('../parts/mount/mount-place.ts');
    const place = await checkedMountPoint(session.store, mountPoint);
    if (!input.options.has('foreground')) {
      const { mountBehind } = await import('../parts/mount/mount-behind.ts');
      await mountBehind(context, source, place, subpath, input);
      return;
    }
    if (source !== undefined) await session.open(source, context.signal);
    const { serveMount } = await import('../parts/mount/mount-serve.ts');
    await serveMount(context, place, subpath, options);
  },
});

/** The meaning of the arguments. */
interface Meant {
  /** The source to open; undefined: the open tree. */
  readonly source: Octets | undefined;
  /** The mount point, as typed. */
  readonly place: Octets;
  /** The Dir at the top: from the working path of the open tree, of another source from its own top. */
  readonly subpath: TreePath;
}

/** Decides what the arguments mean: first a Dir of the open tree, also as `mount PLACE DIR` if nothing else is possible. */
async function whatIsMeant(context: CommandContext, { named, options }: CommandInput, place: Octets): Promise<Meant> {
  const { session } = context;
  const [source] = named.get('source') ?? [];
  const option = options.get('subpath');
  const [word = option === true ? undefined : option] = named.get('subpath') ?? [];
  if (source === undefined) return { source, place, subpath: word === undefined ? ROOT_PATH : pathArgument(session, word) };
  if (word !== undefined) return { source, place, subpath: resolveTreePath(ROOT_PATH, word) };
  if (await isStoredDir(context, source)) return { source: undefined, place, subpath: pathArgument(session, source) };
  const { canOnlyBeMountPoint } = await import('../parts/mount/mount-place.ts');
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
