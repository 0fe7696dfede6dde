import { constants } from 'node:os';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText } from '../../core/base/octets.ts';
import type { Attributes, Caller, Filesystem } from '../filesystem.ts';
import { ROOT_INO } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';

/** What is in a text for bytes that are no UTF-8: nobody can say which they were. */
const REPLACEMENT = '\ufffd';

/** libfuse gives paths; the filesystem wants nodes. Walks from the top each time: what is remembered could be stale. */
export class PathWalker {
  readonly #filesystem: Filesystem;
  readonly #caller: Caller;

  constructor(filesystem: Filesystem, caller: Caller) {
    this.#filesystem = filesystem;
    this.#caller = caller;
  }

  /** Does something with the node of a path, which is held meanwhile. @throws FilesystemError ENOENT */
  async at<T>(path: string, use: (ino: number, attributes: Attributes) => T | Promise<T>): Promise<T> {
    const found = await this.find(path);
    try {
      return await use(found.ino, found);
    } finally {
      this.letGo(found.ino);
    }
  }

  /** Does something with the Dir of a path's last name. */
  async in<T>(path: string, use: (parent: number, name: Octets) => T | Promise<T>): Promise<T> {
    const slash = path.lastIndexOf('/');
    const name = nameOf(path.slice(slash + 1));
    return await this.at(path.slice(0, slash), async (parent) => await use(parent, name));
  }

  /** The node of a path; held until {@link letGo}. */
  async find(path: string): Promise<Attributes> {
    const names = path.split('/').filter((name) => name !== '');
    let ino = ROOT_INO;
    let attributes: Attributes | undefined;
    for (const name of names) {
      const next = this.#filesystem.lookup(ino, nameOf(name), this.#caller);
      try {
        attributes = next instanceof Promise ? await next : next;
      } finally {
        this.letGo(ino);
      }
      if (attributes === undefined) throw new FilesystemError('ENOENT');
      ino = attributes.ino;
    }
    return attributes ?? (await this.#filesystem.getattr(ROOT_INO, undefined));
  }

  letGo(ino: number): void {
    if (ino !== ROOT_INO) this.#filesystem.forget(ino, 1);
  }
}

/** @throws FilesystemError EILSEQ for a name that did not come whole */
function nameOf(text: string): Octets {
  if (text.includes(REPLACEMENT)) throw new FilesystemError('EILSEQ');
  return octetsFromText(text);
}

/** What an errno of the caller's side is called on. */
export const { errno: ERRNO } = constants;
