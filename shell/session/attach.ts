import { realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { controlSocket } from '../../commands/parts/mount/mount-records.ts';
import { PathError, VtError } from '../../core/base/errors.ts';
import { type Octets, octetsFromBytes, octetsFromText, octetsToText } from '../../core/base/octets.ts';
import { getXattr } from '../../core/base/system/libc.ts';
import { errorCode, pathBytes } from '../../core/base/system/system-error.ts';
import { storeContent } from '../../core/blockify/store-content.ts';
import { isDatadir } from '../../core/datadir/datadir-recovery.ts';
import type { ServedMount } from '../../core/store/capabilities.ts';
import { capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';
import { openLiveTree } from '../../core/tree/live/live-tree.ts';
import { ROOT_PATH } from '../../core/tree/path.ts';
import { AttachedStore } from '../../fuse/control/attached-store.ts';
import { ChannelStore } from '../../fuse/control/channel-store.ts';
import { ControlChannel } from '../../fuse/control/control-client.ts';
import type { ControlLink } from '../../fuse/control/control-link.ts';
import { errorFields, type Fields, takePath } from '../../fuse/control/fields.ts';
import { RemoteArchive } from '../../fuse/control/remote-archive.ts';
import { RemoteTree } from '../../fuse/control/remote-tree.ts';
import { ServedControl } from '../../fuse/control/served-control.ts';
import { placeOfFolder } from '../../fuse/control/tree-requests.ts';
import { SOCKET_XATTR } from '../../fuse/live/control-xattrs.ts';
import { isMounted } from '../../fuse/mount-table.ts';
import type { OpenedSource, SourceOptions } from './opened-source.ts';
import { datadirSpecification, openStoreLazily } from './stores.ts';

/**
 * The control socket of a vtftp mount; undefined if none is mounted at the path. Mounts are found in the kernel's list. If the socket is at
 * its usual place, the mount itself is not accessed, since it may hang.
 *
 * @param path - absolute, without `.`, `..` and a trailing slash
 * @param env - the environment, which decides where sockets are
 * @throws {VtError} EOPEN if the socket cannot be found
 * @throws {PathError} EACCES
 */
export function socketOfMount(path: Octets, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const mountPoint = isMounted(path) ? path : realPathOf(path);
  if (mountPoint === undefined || !isMounted(mountPoint)) return undefined;
  const shown = octetsToText(mountPoint);
  const expected = controlSocket(env, shown);
  if (isSocket(expected)) return expected;
  try {
    const told = getXattr(pathBytes(mountPoint), SOCKET_XATTR);
    if (told !== undefined) return told.toString('utf8');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOTCONN') throw diedError(shown, error);
    if (code === 'EACCES' || code === 'EPERM') throw new PathError('EACCES', 'attach to', mountPoint, { cause: error });
  }
  throw new VtError('EOPEN', `attach to "${shown}": no control channel of this mount was found`);
}

function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}

function diedError(named: string, cause: unknown): VtError {
  return new VtError('EOPEN', `attach to "${named}": its process has died`, { cause, remedy: 'umount -l removes the dead mount' });
}

/** The real path of a path; undefined if there is none. */
function realPathOf(path: Octets): Octets | undefined {
  try {
    return octetsFromBytes(realpathSync.native(pathBytes(path), 'buffer'));
  } catch {
    return undefined;
  }
}

/**
 * Attaches to the live tree of a mount by its control socket. The mount's process changes the tree; this process handles
 * local files.
 *
 * @param named - its name in messages: a mount point, or the socket
 * @throws {VtError} EOPEN if no process listens, EPERM if it is not a mount of this user
 */
export async function attach(socket: string, named: string, options: SourceOptions): Promise<OpenedSource> {
  const uid = process.getuid?.() ?? 0;
  const connect = async (): Promise<ControlChannel> => {
    try {
      return await ControlChannel.connect(socket, uid, { signal: options.signal });
    } catch (error) {
      throw error instanceof VtError && errorCode(error.cause) === 'ECONNREFUSED' ? diedError(named, error) : error;
    }
  };
  const channel = await connect();
  channel.onGone = options.onGone;
  try {
    const store = await options.wrapStore(await storeOf(channel, options));
    return await openAttached({ channel, again: connect, store, top: topOf(channel.about, named) }, options);
  } catch (error) {
    channel[Symbol.dispose]();
    throw error;
  }
}

/**
 * Attaches to a mount on another machine whose Store is served from there.
 *
 * @param open - opens the Store once more, for another connection
 */
export async function attachServed(
  store: Store,
  mount: ServedMount,
  open: () => Promise<Store>,
  options: SourceOptions,
): Promise<OpenedSource> {
  const channel = new ServedControl(mount, store.name);
  const again = async (): Promise<ControlLink> => {
    const other = await open();
    const control = capability(other, 'mount') ?? mount;
    return new ServedControl(control, store.name, () => void closing(other));
  };
  return await openAttached({ channel, again, store: new AttachedStore(store, new ChannelStore(channel)), top: mount.about }, options);
}

/** Closes a Store and ignores its errors. */
async function closing(store: Store): Promise<void> {
  try {
    await store[Symbol.asyncDispose]();
  } catch {
    // The Store is closed already.
  }
}

/** An attached mount. */
interface Attached {
  readonly channel: ControlLink;
  /** Opens another connection to it. */
  readonly again: () => Promise<ControlLink>;
  /** The Store of its Blocks. */
  readonly store: Store;
  /** The fields of the mount that was named. */
  readonly top: Fields;
}

async function openAttached({ channel, again, store, top }: Attached, options: SourceOptions): Promise<OpenedSource> {
  const { archive: archiveName } = channel.about;
  const start = top['start'] === undefined ? {} : { start: takePath(top, 'start') };
  const archive = typeof archiveName === 'string' ? new RemoteArchive(channel, archiveName) : undefined;
  const archiveNamed = archive === undefined ? {} : { archiveName: basename(archive.name, '.vt') };
  const remote = new RemoteTree({ channel, store, storeContent, again });
  const mount: ServedMount = {
    about: { ...channel.about, ...top, mounts: [] },
    ask: async (request, asked) => await channel.ask(request, asked).catch(errorFields),
  };
  if (options.plan !== true) return { tree: remote, store, archive, ...archiveNamed, base: undefined, served: remote, mount, ...start };
  // A plan (`-n`) works on an in-memory copy of the present tree.
  const root = await remote.dirent(ROOT_PATH, { signal: options.signal });
  if (root.kind !== 'dir') throw new VtError('EOPEN', `attach to "${remote.name}": its root is a ${root.kind}, not a Dir`);
  return { tree: openLiveTree(store, root, { name: remote.name }), store, archive, base: root, ...start };
}

/** The fields of the mount that was named: the process may serve its tree at other places too. */
function topOf(about: Fields, named: string): Fields {
  const { mounts } = about;
  if (!Array.isArray(mounts)) return about;
  const real = realPathOf(octetsFromText(named));
  const names = [named, ...(real === undefined ? [] : [octetsToText(real)])];
  return (mounts as readonly Fields[]).find(({ mountpoint }) => names.includes(String(mountpoint))) ?? about;
}

/** The Store of a mount: opened directly if it is a datadir that this user can open, else reached over the channel. */
async function storeOf(channel: ControlChannel, options: SourceOptions): Promise<Store> {
  const remote = new ChannelStore(channel);
  const { folders, place } = channel.about['store'] as Fields;
  const folder: unknown = Array.isArray(folders) && folders.length === 1 ? folders[0] : undefined;
  // Only a datadir given by its path alone, if the path leads to the same folder here.
  if (typeof folder !== 'string' || remote.name !== `datadir:${folder}` || !isDatadir(folder) || placeOfFolder(folder) !== place)
    return remote;
  try {
    const local = await openStoreLazily(datadirSpecification(folder), options, false);
    if (local.hashName === remote.hashName) return new AttachedStore(local, remote);
    await local[Symbol.asyncDispose]();
  } catch (error) {
    if (!(error instanceof VtError)) throw error;
  }
  return remote;
}
