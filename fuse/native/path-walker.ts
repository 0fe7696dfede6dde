import { constants } from 'node:os';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText } from '../../core/base/octets.ts';
import type { Attributes, Caller, Filesystem } from '../filesystem.ts';
import { ROOT_INO } from '../filesystem.ts';
import { FilesystemError } from '../filesystem-error.ts';

/** The decoder's replacement for octets that are not UTF-8: the original octets are lost. */
const REPLACEMENT = '\ufffd';

/** Finds the nodes of libfuse's paths. Walks from the top each time, since cached nodes could be stale. */
export class PathWalker {
  readonly #filesystem: Filesystem;
  readonly #caller: Caller;

  constructor(filesystem: Filesystem, caller: Caller) {
    this.#filesystem = filesystem;
    this.#caller = caller;
  }

  /** Calls `use` with the node of a path, which is held meanwhile. @throws FilesystemError ENOENT, EILSEQ */
  async at<T>(path: string, use: (ino: number, attributes: Attributes) => T | Promise<T>): Promise<T> {
    const found = await this.find(path);
    try {
      return await use(found.ino, found);
    } finally {
      this.letGo(found.ino);
    }
  }

  /** Calls `use` with the parent Dir of a path and its last name. */
  async in<T>(path: string, use: (parent: number, name: Octets) => T | Promise<T>): Promise<T> {
    const slash = path.lastIndexOf('/');
    const name = nameOf(path.slice(slash + 1));
    return await this.at(path.slice(0, slash), async (parent) => await use(parent, name));
  }

  /** The node of a path; held until {@link letGo}. @throws FilesystemError ENOENT, EILSEQ */
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

/** The octets of a name. @throws FilesystemError EILSEQ for a name that lost octets in decoding */
function nameOf(text: string): Octets {
  if (text.includes(REPLACEMENT)) throw new FilesystemError('EILSEQ');
  return octetsFromText(text);
}

/** What an errno of the caller's side is called on. */
export const { errno: ERRNO } = constants;
