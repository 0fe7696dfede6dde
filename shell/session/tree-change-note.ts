import type { Session } from '../../commands/session.ts';
import type { Tree } from '../../core/tree/tree.ts';

/** Whether one command changes the tree of a session. */
export class TreeChangeNote {
  readonly #session: Pick<Session, 'tree' | 'dirref'>;
  readonly #tree: Tree;
  readonly #revision: number;
  #would = false;

  /** Notes the state before the command. */
  constructor(session: Pick<Session, 'tree' | 'dirref'>) {
    this.#session = session;
    this.#tree = session.tree;
    this.#revision = session.tree.revision;
  }

  /** Notes that the change is only planned. */
  wouldBe(): void {
    this.#would = true;
  }

  /** The object for `--json` that reports the change. It has the Dirref only once that is recorded, since it could not be opened before. */
  record(plan: boolean): Readonly<Record<string, unknown>> {
    const { tree, dirref } = this.#session;
    const changed = this.#would || tree !== this.#tree || tree.revision !== this.#revision;
    return { changed, dirref: this.#would ? null : (dirref ?? null), ...(plan || this.#would ? { plan: true } : {}) };
  }
}
