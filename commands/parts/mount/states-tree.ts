import type { Archive } from '../../../core/archive/archive.ts';
import { VtError } from '../../../core/base/errors.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import type { LiveTree } from '../../../core/tree/live/live-tree.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import { joinPath, ROOT_PATH } from '../../../core/tree/path.ts';
import type { Session } from '../../session.ts';
import { timeText } from '../format.ts';

/** Milliseconds between checks for new states. */
const LOOK_MS = 1000;

/** A tree in memory with every recorded state of an archive as a Dir, named by its date; new states appear. */
export class StatesTree implements AsyncDisposable {
  readonly tree: LiveTree;
  readonly #archive: Archive;
  readonly #timer: NodeJS.Timeout;
  #last = 0;
  #looking: Promise<void> | undefined;

  private constructor(tree: LiveTree, archive: Archive) {
    this.tree = tree;
    this.#archive = archive;
    this.#timer = setInterval(() => {
      // After an error the next check tries again.
      this.#looking ??= this.#look()
        .catch(() => undefined)
        .finally(() => {
          this.#looking = undefined;
        });
    }, LOOK_MS);
  }

  /** Opens the tree. @throws {VtError} EFAILED if the session's tree has no archive */
  static async open(session: Session, signal: AbortSignal): Promise<StatesTree> {
    const { archive, tree } = session;
    if (archive === undefined) throw new VtError('EFAILED', `mount -o all "${tree.name}": this tree has no archive`);
    const states = new StatesTree(openLiveTree(tree.store, undefined, { name: tree.name, inMemory: true }), archive);
    await states.#look(signal);
    return states;
  }

  async #look(signal?: AbortSignal): Promise<void> {
    const last = await this.#archive.last({ signal });
    if (last === undefined || last.number === this.#last) return;
    for await (const { whenNs, number, dirent } of this.#archive.entries({ signal })) {
      if (number <= this.#last || dirent.kind === 'indirect') continue;
      const date = timeText(whenNs);
      const isTaken = (await this.tree.lookup(joinPath(ROOT_PATH, octetsFromText(date)), { follow: false })) !== undefined;
      const name = octetsFromText(isTaken ? `${date}@${number}` : date);
      await this.tree.bind(joinPath(ROOT_PATH, name), { ...dirent, name }, { signal });
    }
    this.#last = last.number;
    await this.tree.setMeta(ROOT_PATH, { mode: 0o555, mtimeNs: last.whenNs, ctimeNs: last.whenNs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await this.tree[Symbol.asyncDispose]();
  }
}
