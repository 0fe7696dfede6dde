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
  summary: 'mount the tree as a filesystem that every program can use',
  details: [
    'Without --foreground a process of its own serves the mount, and keeps running when this session ends. This session syncs first. Its later changes appear in the mount once they are synced too, as do those of other sessions and of mounts on other machines. What has changed in the mount meanwhile is merged with them; the log of the mount tells of conflicts. Stores in buckets and over HTTP do not announce changes: there the mount merges at its own syncs. With --foreground this session serves the mount until it is taken away, by umount, by fusermount3 -u, by SIGINT or by SIGTERM. Then it saves the tree and prints the Dirref.',
    'What programs write is stored in the background. fsync writes what changed to a journal, and a root with it is recorded soon after; see MOUNTS AND LOCAL FILESYSTEMS. Reading the attribute user.x-vt-blockref of a file waits until it is stored, and gives the reference to its content. A parser is chosen as by put (see man 7 vt); setting user.x-vt-parser before the last close asks for one. SOURCE is what `open` takes; a past state (`STORE@1`) is mounted read-only. A mount point that does not exist is made, and removed with the mount. One whose process has died is taken over.',
    'Without arguments mount lists what is mounted. SUBPATH is the Dir at the top of the mount. If SOURCE is the mount point of a running mount, its process serves the same live tree at one more place. So does a mount from a shell that is attached. Each mount has a top and options of its own, and shows what is changed in the others. The process ends with the last of them.',
    'While two mounts of one live tree can write, an append goes to the end of the file, whatever the other mount appended. A file that one of them opens for writing then bypasses the kernel page cache, so a shared mapping of it is refused (ENODEV). SQLite in WAL mode needs one, and works through two mounts with locking_mode=exclusive only. A file that was open for writing before the second mount was made must be closed first: the second one refuses to write it (EBUSY).',
    'Locks of fcntl(2) and flock(2) hold for all mounts of a live tree. They wait, are interrupted and end with EDEADLK as on a local filesystem. A process that uses two mounts counts as two owners. Open file description locks also end with EDEADLK where they would wait for each other. A mount made read-only before any mount could write keeps locks of its own, and so does driver=fuse-native.',
    'A mount is nosuid and nodev, since a tree may come from a stranger. The kernel never collects the writes of append-only mounts and of further mounts of a live tree. While a mount that collects has a file open, it does not see what other mounts cut off. Rules of -o apply before --include and the like, and hold no commas.',
    'Names that --include, --exclude and --filter exclude live in the mount and are never stored: caches, the products of a build. See man 7 vt, "Filter rules". Only the first mount of a tree sets the rules. A slash in front of a pattern is the top of that mount; files of rules in directories are not read. A file that is renamed to a name that is not excluded is stored at the next sync. One that is renamed to an excluded name is no longer stored. What was stored under an excluded name before stays until it changes. Excluded names go with the mount, even in a crash: umount asks at a terminal, and says how many went. Their files are kept where unsaved content is, and fsync does not make them durable.',
  ],
  changesLocal: true,
  standsAlone: true,
  endsByInterrupt: true,
  args: [
    { name: 'source', kind: 'reference', summary: 'a Dir of the open tree, or what open takes; default: the open tree', optional: true },
    { name: 'mountpoint', kind: 'local directory', summary: 'an empty directory, or one to be made', glob: false },
    { name: 'subpath', kind: 'reference', summary: 'the Dir at the top; default: the whole tree', optional: true },
  ],
  options: [
    { name: 'foreground', short: 'f', summary: 'serve the mount in this session, until it is taken away' },
    { name: 'subpath', short: 's', value: { name: 'PATH', kind: 'stored' }, summary: 'as SUBPATH, of the tree that is open' },
    { name: 'options', short: 'o', value: { name: 'OPTIONS', kind: 'text', options: MOUNT_OPTIONS }, summary: 'options of the mount' },
    ...MOUNT_FILTER_OPTIONS,
  ],
  examples: [
    { line: 'mount /mnt/docs', says: 'the open tree, at /mnt/docs' },
    { line: 'mount', says: 'what is mounted, as mounts tells it' },
    { line: 'mount docs /mnt/docs', says: 'the Dir docs of the open tree, at /mnt/docs' },
    { line: "mount -o ro 'D{...}' /mnt/old", says: 'a tree from its Dirref, read-only' },
    { line: "mount --exclude='*.o' --exclude=/build/ /mnt/src", says: 'object files and /mnt/src/build exist there, and are never stored' },
    { line: 'mount -o append-only /mnt/docs /srv/letters letters', says: 'the Dir letters of the tree at /mnt/docs, at one more place' },
  ],
  records: [
    MOUNTED_RECORD,
    { name: 'ExcludedGone', summary: 'excluded names that went with a mount', fields: { excluded_gone: 'integer' } },
  ],
  async run(context, input) {
    const { session } = context;
    const [argument] = input.named.get('mountpoint') ?? [];
    if (argument === undefined) {
      if (input.options.size > 0)
        throw new VtError('EUSAGE', 'mount: MOUNTPOINT is missing', { remedy: 'name an empty directory, or one to be made' });
      await mounts.run(context, input);
      return;
    }
    const { source, place: local, subpath } = await whatIsMeant(context, input, argument);
    const mountPoint = resolveLocalPath(session.localCwd, local);
    const { mountOptionsText, parseMountOptions } = await import('../parts/mount/mount-options.ts');
    const given = parseMountOptions(mountOptionsText(input));
    const options = { ...given, filter: [...given.filter, ...filterWords(input)] };
    if (options.filter.length > 0 && (options.readOnly || options.all))
      throw new VtError('EUSAGE', 'mount: rules say what is not stored, and a read-only mount stores nothing', {
        remedy: 'leave them out',
      });
    const { runningMount, mountBeside } = await import('../parts/mount/mount-beside.ts');
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
