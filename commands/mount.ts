import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { PathError, VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsToBytes, octetsToText, octetsToTextStrict } from '../core/base/octets.ts';
import { systemOwnerNames } from '../core/base/owner-names.ts';
import { errorCode, errorReason } from '../core/base/system-error.ts';
import { LiveTree } from '../core/tree/live-tree.ts';
import type { Tree } from '../core/tree/tree.ts';
import type { ControlServer } from '../fuse/control/control-server.ts';
import type { CommandContext, CommandInput } from './command.ts';
import { defineCommand } from './command.ts';
import { resolveLocalPath } from './local-path.ts';
import { newMeta } from './new-meta.ts';

/** Seconds between two syncs of a mount where nobody says otherwise. */
const DEFAULT_SYNC_SECONDS = 30;

/** `mount`: the tree as a filesystem. */
export const mount = defineCommand({
  name: 'mount',
  group: 'mount',
  summary: 'mount the tree as a filesystem that every program can use',
  details: [
    'Without --foreground a process of its own serves the mount and goes on when this session ends; this session syncs first, and its changes are not seen there until the next mount. With --foreground this session serves it until it is taken away: by umount, by fusermount3 -u, or by SIGINT or SIGTERM, which end it in good order. Then everything is synced and the Dirref recited.',
    'What programs write is stored in the background; fsync waits until the file is stored and a root recorded that has it, and so does reading the attribute user.x-vt-blockref of a file, which is the reference to its content. SOURCE is what `open` takes; a past state (`default@1`) is mounted read-only. A mount point that is not there is made, and removed with the mount.',
    'The options of -o: ro (read-only), allow_other (users besides this one may go in), sync=SECONDS (between two syncs while something changes; 0 for none; default 30), nowriteback (writes are not collected in the page cache of the kernel).',
  ],
  changesLocal: true,
  endsByInterrupt: true,
  args: [
    { name: 'source', kind: 'reference', summary: 'what to mount; default: the tree that is open', optional: true },
    { name: 'mountpoint', kind: 'local', summary: 'an empty directory, or one to be made', glob: false },
  ],
  options: [
    { name: 'foreground', short: 'f', summary: 'serve it in this session, until it is taken away' },
    { name: 'options', short: 'o', value: { name: 'OPTIONS', kind: 'text' }, summary: 'options, with commas between them' },
  ],
  examples: [
    { line: 'mount /mnt/docs', says: 'the open tree stands at /mnt/docs' },
    { line: "mount -o ro 'D{...}' /mnt/old", says: 'a tree from its Dirref, read-only' },
  ],
  async run(context, input) {
    const [source] = input.named.get('source') ?? [];
    const [argument] = input.named.get('mountpoint') ?? [];
    const mountPoint = await checkedMountPoint(context, resolveLocalPath(context.session.localCwd, argument ?? ('' as Octets)));
    const options = parseMountOptions(input);
    if (!input.options.has('foreground')) {
      const { mountBehind } = await import('./mount-behind.ts');
      await mountBehind(context, source, mountPoint, input);
      return;
    }
    if (source !== undefined) await context.session.open(source, context.signal);
    await serve(context, mountPoint, options);
  },
});

/** What `-o` says. */
export interface MountWords {
  readonly readOnly: boolean;
  readonly allowOther: boolean;
  readonly writeback: boolean;
  readonly syncSeconds: number;
}

function parseMountOptions({ options }: CommandInput): MountWords {
  const text = options.get('options');
  const words = text === undefined || text === true ? [] : octetsToText(text).split(',');
  let result: MountWords = { readOnly: false, allowOther: false, writeback: true, syncSeconds: DEFAULT_SYNC_SECONDS };
  for (const word of words.filter((each) => each !== '')) {
    const [name, value] = word.split('=', 2);
    if (word === 'ro') result = { ...result, readOnly: true };
    else if (word === 'rw') result = { ...result, readOnly: false };
    else if (word === 'allow_other') result = { ...result, allowOther: true };
    else if (word === 'nowriteback') result = { ...result, writeback: false };
    else if (name === 'sync' && /^\d{1,6}$/.test(value ?? '')) result = { ...result, syncSeconds: Number(value) };
    else throw new VtError('EUSAGE', `mount -o "${word}": unknown`, { remedy: 'use ro, allow_other, nowriteback or sync=SECONDS' });
  }
  return result;
}

/** A mount point that can be used: made if it is not there; one whose server has died is taken away first. */
async function checkedMountPoint({ session }: CommandContext, mountPoint: Octets): Promise<string> {
  const text = octetsToTextStrict(mountPoint);
  if (text === undefined)
    throw new VtError('EUNSUPPORTED', `mount "${octetsToText(mountPoint)}": the name of a mount point has to be UTF-8`);
  for (const folder of session.store.folders ?? []) {
    if (folder === text || folder.startsWith(`${text}/`) || text.startsWith(`${folder}/`))
      throw new VtError('EFAILED', `mount "${text}": the Store "${session.store.name}" lies there`, { remedy: 'choose another directory' });
  }
  const { isMounted } = await import('../fuse/mount-table.ts');
  if (isMounted(mountPoint)) {
    const { isServed, takeStaleAway } = await import('./mount-records.ts');
    if (await isServed(mountPoint))
      throw new VtError('EFAILED', `mount "${text}": something of ours is mounted there`, { remedy: 'umount it first' });
    await takeStaleAway(text);
  }
  return text;
}

async function serve(context: CommandContext, mountPoint: string, words: MountWords): Promise<void> {
  const { session, output, diagnostics, signal } = context;
  const { can } = session.tree;
  const tree = liveTreeOf(session.tree);
  if (tree === undefined) throw new VtError('EUNSUPPORTED', `mount "${session.tree.name}": only a tree of Blocks can be mounted`);
  const [{ serveTree }, { Ingest }, { frontFolder }] = await Promise.all([
    import('../fuse/serve-tree.ts'),
    import('../core/blockify/ingest.ts'),
    import('./mount-records.ts'),
  ]);
  if (can.write) await giveRootMeta(context, tree);
  const isMade = makeMountPoint(mountPoint);
  const ingest = new Ingest(session.store);
  const unpin = session.pin();
  const control = await openControl(context, mountPoint);
  try {
    await serveTree(tree, {
      mountPoint,
      source: `vtftp:${tree.name}`,
      readOnly: words.readOnly || !can.write,
      allowOther: words.allowOther,
      writeback: words.writeback,
      syncSeconds: can.write ? words.syncSeconds : 0,
      frontFolder: frontFolder(context.shell.env),
      storeContent: async (content) => {
        const block = await ingest.stream(content);
        await ingest.flushPending();
        return block;
      },
      syncTree: async () => {
        await session.sync();
      },
      owners: systemOwnerNames(),
      onReady: () => {
        output.line(`mounted ${mountPoint}`);
        output.record({ mounted: mountPoint });
      },
      onFault: (error) => diagnostics.failure(`mount "${mountPoint}": ${errorReason(error)}`),
      onBusy: (error) => diagnostics.warn(`${error.message}; it goes once nobody uses it`),
      signal,
    });
  } finally {
    await control?.[Symbol.asyncDispose]();
    unpin();
    await ingest[Symbol.asyncDispose]();
    if (isMade) removeMountPoint(mountPoint);
  }
}

/** The control channel of a mount; a mount without one is told of, and served. */
async function openControl(context: CommandContext, mountPoint: string): Promise<ControlServer | undefined> {
  const { shell, diagnostics } = context;
  const [{ serveControl }, { controlSocket }] = await Promise.all([
    import('../fuse/control/control-server.ts'),
    import('./mount-records.ts'),
  ]);
  try {
    return await serveControl({
      path: controlSocket(shell.env, mountPoint),
      newClient: async () => await shell.newClient(),
      uid: process.getuid?.() ?? 0,
    });
  } catch (error) {
    diagnostics.warn(`mount "${mountPoint}": it has no control channel: ${errorReason(error)}`);
    return undefined;
  }
}

/** The live tree that a tree is, or shows read-only: a past state. */
function liveTreeOf(tree: Tree & { readonly live?: LiveTree | undefined }): LiveTree | undefined {
  return tree instanceof LiveTree ? tree : tree.live;
}

/** A tree that says nothing of its top Dir is that of whoever mounts it. */
async function giveRootMeta(context: CommandContext, tree: LiveTree): Promise<void> {
  if (tree.nodes.root.dirent.meta.mode !== undefined) return;
  await tree.setMeta('/' as Parameters<LiveTree['setMeta']>[0], newMeta(context, 0o755));
}

function makeMountPoint(mountPoint: string): boolean {
  try {
    if (readdirSync(mountPoint).length > 0) throw new PathError('ENOTEMPTY', 'mount', mountPoint);
    return false;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  mkdirSync(octetsToBytes(mountPoint as Octets), { recursive: true });
  return true;
}

function removeMountPoint(mountPoint: string): void {
  try {
    rmdirSync(mountPoint);
  } catch {
    // Somebody has put something there meanwhile.
  }
}
