import { copyFileSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { NO_OWNER_NAMES } from '../../../core/base/system/owner-names.ts';
import { storeContent } from '../../../core/blockify/store-content.ts';
import { capability } from '../../../core/store/capability.ts';
import { LiveTree } from '../../../core/tree/live/live-tree.ts';
import type { ChangeLog } from '../../../core/tree/live/node-change.ts';
import type { MountJournal } from '../../../fuse/journal/mount-journal.ts';
import { FileClock } from '../../../fuse/live/file-clock.ts';
import type { LiveFilesystem } from '../../../fuse/live/live-filesystem.ts';
import { liveFilesystem } from '../../../fuse/live/live-filesystem.ts';
import type { ShellHere } from '../../support/shells/shell-here.ts';
import { openShellHere } from '../../support/shells/shell-here.ts';
import { FilesystemCaller } from '../posix/filesystem-caller.ts';

/** Moments at which a process can be killed while it records a root. */
export type KillMoment = 'never' | 'before the line' | 'after the line';

/** A live tree with a journal, as the process of a mount has it, which can be left as a killed one leaves it. */
export class JournaledTree {
  readonly shell: ShellHere;
  readonly live: LiveFilesystem;
  readonly caller: FilesystemCaller;
  readonly journal: MountJournal;
  /** When the process is killed that makes a root now. */
  killAt: KillMoment = 'never';
  /** Told when a root begins. */
  onRoot: () => void = () => undefined;
  #isDead = false;

  private constructor(shell: ShellHere, folder: string, warnings: string[]) {
    const { store, tree } = shell.session;
    if (!(tree instanceof LiveTree)) throw new Error('the tree is not live');
    this.shell = shell;
    mkdirSync(join(folder, 'fronts'), { recursive: true });
    this.live = liveFilesystem({
      store,
      nodes: tree.nodes,
      frontFolder: join(folder, 'fronts'),
      storeContent: (content, options) => storeContent(store, content, options),
      journal: { archive: 'default', journals: () => capability(store, 'journals') },
      syncTree: async () => void (await shell.session.sync()),
      clock: new FileClock(() => BigInt(Date.now()) * 1_000_000n),
      owners: NO_OWNER_NAMES,
      owner: { uid: 0, gid: 0 },
      onTrouble: (error) => {
        if (!this.#isDead) warnings.push(String(error));
      },
    });
    const { journal } = this.live.mount;
    if (journal === undefined) throw new Error('there is no journal');
    this.journal = journal;
    tree.logTo(this.#killable(journal));
    this.caller = new FilesystemCaller(this.live.filesystem);
  }

  /** Opens the Store of a folder; what a killed process left there is recovered. */
  static async open(folder: string, warnings: string[]): Promise<JournaledTree> {
    const shell = await openShellHere({ home: folder, store: join(folder, 'store'), onMessage: (text) => warnings.push(text) });
    return new JournaledTree(shell, folder, warnings);
  }

  /** Ends as a killed process does: nothing more is recorded. */
  async kill(): Promise<void> {
    this.#isDead = true;
    this.live.end();
    await this.journal.leave();
    await this.#close();
  }

  /** Ends in good order. */
  async end(): Promise<void> {
    await this.caller.leave();
    await this.live.settle();
    await this.shell.session.sync();
    this.live.end();
    await this.journal.end();
    await this.#close();
  }

  #die(): never {
    this.#isDead = true;
    throw new Error('killed');
  }

  async #close(): Promise<void> {
    for (const { front } of this.live.mount.inodes.all()) front?.close();
    this.live.mount.contents[Symbol.dispose]();
    await this.shell.session[Symbol.asyncDispose]();
  }

  #killable(journal: MountJournal): ChangeLog {
    return {
      note: (change, nowNs, node) => journal.note(change, nowNs, node),
      lose: () => journal.lose(),
      get isEmpty() {
        return journal.isEmpty;
      },
      rootBegins: () => {
        if (this.#isDead) throw new Error('killed');
        journal.rootBegins();
        this.onRoot();
      },
      rootFollows: async (ours, line) => {
        await journal.rootFollows(ours, line);
        if (this.killAt === 'before the line') this.#die();
      },
      rootRecorded: async (ours) => {
        if (this.killAt === 'after the line') this.#die();
        await journal.rootRecorded(ours);
      },
    };
  }
}

/** The files of the journals in a Store's folder. */
export function journalFiles(folder: string): string[] {
  try {
    return readdirSync(join(folder, 'store/journals')).filter((name) => name !== 'recovery.lock');
  } catch {
    return [];
  }
}

/** Lets a recovery happen as if it had been killed before or after the line of its root. */
export async function killedRecovery(folder: string, moment: Exclude<KillMoment, 'never'>, recover: () => Promise<void>): Promise<void> {
  const [journals, kept] = [join(folder, 'store/journals'), join(folder, 'kept')];
  const archive = join(folder, 'store/archives/default.vt');
  mkdirSync(kept);
  // The same files under another name: what recovery writes into them stays.
  for (const name of journalFiles(folder)) linkSync(join(journals, name), join(kept, name));
  const { size } = statSync(archive);
  await recover();
  if (moment === 'before the line') truncateSync(archive, size);
  for (const name of readdirSync(kept)) copyFileSync(join(kept, name), join(journals, name));
  rmSync(kept, { recursive: true });
}
