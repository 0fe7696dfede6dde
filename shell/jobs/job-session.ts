import type { LocalSession, OtherSource } from '../../commands/session.ts';
import type { RecordedDir } from '../../core/archive/archive.ts';
import type { ArchiveLine } from '../../core/archive/archive-line.ts';
import { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { ClientSession } from '../session/client-session.ts';

/** A job's view of the session: the same tree, Stores and settings, but its own working paths. It cannot replace the tree. */
export class JobSession extends ClientSession implements LocalSession {
  override readonly settings: Map<string, string>;
  override readonly aliases: Map<string, string>;
  readonly view = undefined;
  previousView: string | undefined;
  localCwd: Octets;
  previousLocalCwd: Octets | undefined;
  readonly #session: LocalSession;
  readonly #tree: Tree;

  constructor(session: LocalSession) {
    super(session);
    this.#session = session;
    this.#tree = session.tree;
    this.settings = new Map(session.settings);
    this.aliases = new Map(session.aliases);
    this.cwd = session.cwd;
    this.localCwd = session.localCwd;
  }

  /** The same object as long as jobs run, even if the session shows another tree. */
  override get tree(): Tree {
    return this.#tree;
  }

  get peers(): LocalSession['peers'] {
    return this.#session.peers;
  }

  get tails(): LocalSession['tails'] {
    return this.#session.tails;
  }

  get jobs(): LocalSession['jobs'] {
    return this.#session.jobs;
  }

  get attachedTo(): LocalSession['attachedTo'] {
    return this.#session.attachedTo;
  }

  get isPinned(): boolean {
    return true;
  }

  get mustRecite(): boolean {
    return this.#session.mustRecite;
  }

  get history(): readonly string[] {
    return this.#session.history;
  }

  async visit(): Promise<void> {
    await Promise.resolve();
    throw notInJob('cd @');
  }

  async open(): Promise<void> {
    await Promise.resolve();
    throw notInJob('open');
  }

  async openOther(reference: Octets, signal?: AbortSignal): Promise<OtherSource> {
    return await this.#session.openOther(reference, signal);
  }

  async refresh(signal?: AbortSignal): Promise<void> {
    await this.#session.refresh(signal);
  }

  async takeIn(signal?: AbortSignal): Promise<void> {
    await this.#session.takeIn(signal);
  }

  pin(): () => void {
    return this.#session.pin();
  }

  async whileClosed(): Promise<void> {
    await Promise.resolve();
    throw notInJob('transition');
  }

  get bookmarks(): LocalSession['bookmarks'] {
    return this.#session.bookmarks;
  }

  keepBookmarks(bookmarks: LocalSession['bookmarks']): void {
    this.#session.keepBookmarks(bookmarks);
  }

  addressOf(source: Octets | undefined): Octets {
    return this.#session.addressOf(source);
  }

  reopenWords(source: Octets | undefined): readonly string[] {
    return this.#session.reopenWords(source);
  }

  async become(action: string, target: RecordedDir, newest: ArchiveLine | undefined, signal?: AbortSignal): Promise<void> {
    await this.#session.become(action, target, newest, signal);
  }

  quit(): void {
    throw notInJob('quit');
  }

  async runScript(): Promise<void> {
    await Promise.resolve();
    throw notInJob('source');
  }

  /** A job's session owns nothing to dispose of. */
  async [Symbol.asyncDispose](): Promise<void> {}
}

function notInJob(action: string): VtError {
  return new VtError('EUNSUPPORTED', `${action}: not in a job`, { remedy: 'leave out &' });
}
