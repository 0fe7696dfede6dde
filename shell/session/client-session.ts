import type { Session } from '../../commands/session.ts';
import type { Archive } from '../../core/archive/archive.ts';
import type { RecordAs } from '../../core/history/ancestry.ts';
import type { Store } from '../../core/store/store.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { ROOT_PATH } from '../../core/tree/path.ts';
import type { Tree } from '../../core/tree/tree.ts';

/** The session of one client of the control channel: the same tree, with its own working path and settings. */
export class ClientSession implements Session {
  cwd: TreePath = ROOT_PATH;
  previousCwd: TreePath | undefined;
  readonly settings = new Map<string, string>([['onerror', 'stop']]);
  readonly aliases = new Map<string, string>();
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  get tree(): Tree {
    return this.#session.tree;
  }

  get store(): Store {
    return this.#session.store;
  }

  get archive(): Archive | undefined {
    return this.#session.archive;
  }

  get archiveName(): string | undefined {
    return this.#session.archiveName;
  }

  get isReference(): boolean {
    return this.#session.isReference;
  }

  async stateAt(spec: string, signal?: AbortSignal): Promise<{ readonly view: string; readonly tree: Tree }> {
    return await this.#session.stateAt(spec, signal);
  }

  async sync(signal?: AbortSignal, as?: RecordAs): Promise<string> {
    return await this.#session.sync(signal, as);
  }

  note(command: string): () => void {
    return this.#session.note(command);
  }

  describe(message: string): void {
    this.#session.describe(message);
  }

  async recordBefore(path: TreePath, signal?: AbortSignal): Promise<void> {
    await this.#session.recordBefore(path, signal);
  }

  get isChanged(): boolean {
    return this.#session.isChanged;
  }

  get dirref(): string | undefined {
    return this.#session.dirref;
  }

  async keep(signal?: AbortSignal): Promise<void> {
    await this.#session.keep(signal);
  }
}
