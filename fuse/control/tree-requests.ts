import { statSync } from 'node:fs';
import type { Archive, ArchiveEntry, RecordedDir } from '../../core/archive/archive.ts';
import type { ArchiveLine } from '../../core/archive/archive-line.ts';
import { parseArchiveLine } from '../../core/archive/archive-line.ts';
import { formatNotes, readNotes } from '../../core/archive/archive-notes.ts';
import { ParseError, VtError } from '../../core/base/errors.ts';
import type { OpOptions } from '../../core/base/op-options.ts';
import { TextReader } from '../../core/base/text-reader.ts';
import { formatBlock, parseBlock } from '../../core/block/block-text.ts';
import type { HashCode } from '../../core/block/hashcode.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import { formatDirent, parseDirent } from '../../core/dirent/dirent-text.ts';
import type { RecordAs } from '../../core/history/ancestry.ts';
import { canWrite, capability } from '../../core/store/capability.ts';
import { LiveTree } from '../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { ROOT_PATH } from '../../core/tree/path.ts';
import type { Tree, TreeEntry } from '../../core/tree/tree.ts';
import { Cursors } from './cursors.ts';
import {
  entryFields,
  type Fields,
  octetsField,
  takeCount,
  takeDirent,
  takeMeta,
  takeMetaChange,
  takeNanoseconds,
  takeOctets,
  takePath,
  takeText,
  takeTexts,
} from './fields.ts';

/** Entries of a Dir, or states, in one answer. */
const PAGE_ENTRIES = 512;
/** Octets of content after which an answer takes no more. */
const PAGE_BYTES = 256 * 1024;
/** Milliseconds that an answer waits for the kernel to learn of a change, at most. */
const TELLING_MS = 1000;

/** What the tree requests of a control channel act on. */
export interface ServedTree {
  readonly tree: Tree;
  readonly archive: Archive | undefined;
  /** Stores what changed and records the root. @returns the Dirref */
  readonly sync: (signal: AbortSignal, as?: RecordAs) => Promise<string>;
  /** The same as the methods of a session. */
  readonly become: (action: string, target: RecordedDir, newest: ArchiveLine | undefined, signal: AbortSignal) => Promise<void>;
  readonly refresh: (signal: AbortSignal) => Promise<void>;
  readonly recordBefore: (path: TreePath, signal: AbortSignal) => Promise<void>;
  readonly keep: (signal: AbortSignal) => Promise<void>;
  /** Fields of the greeting to a client, besides those of the tree itself. */
  readonly about: Fields;
}

type Request = (fields: Fields, options: OpOptions & { readonly signal: AbortSignal }) => Promise<Fields>;

/** Answers one client's requests on a live tree. Each request has one answer; long sequences are read a page at a time. */
export class TreeRequests {
  readonly #served: ServedTree;
  readonly #cursors = new Cursors();
  readonly #over = new AbortController();

  constructor(served: ServedTree) {
    this.#served = served;
  }

  /** @throws what the tree throws; {ParseError} for a request that cannot be read */
  async ask(fields: Fields, signal: AbortSignal): Promise<Fields> {
    const name = takeText(fields, 'request');
    const reading = Object.hasOwn(this.#reading, name) ? this.#reading[name] : undefined;
    if (reading !== undefined) return await reading(fields, { signal });
    const changing = Object.hasOwn(this.#changing, name) ? this.#changing[name] : undefined;
    if (changing === undefined) throw new ParseError(`unknown request "${name}"`, 0);
    const answer = await changing(fields, { signal });
    // A client that has the answer may read the mount, and must see the change there.
    await this.told();
    return answer;
  }

  /** Ends requests that wait for changes. */
  noMore(): void {
    this.#over.abort();
  }

  /** Releases what the client's requests hold. */
  async end(): Promise<void> {
    this.#over.abort();
    await this.#cursors.clear();
  }

  readonly #reading: Readonly<Record<string, Request>> = {
    about: async () => {
      const { tree, archive, about } = this.#served;
      const { store } = tree;
      const folders = capability(store, 'folders') ?? [];
      const [folder] = folders;
      return {
        ...about,
        tree: tree.name,
        can_write: tree.can.write,
        can_sync: tree.can.sync,
        ...(tree instanceof LiveTree ? { left_out: await tree.countLeftOut() } : {}),
        ...(archive === undefined ? {} : { archive: archive.name }),
        store: {
          name: store.name,
          hash: store.hashName,
          edges: store.edges,
          can_write: canWrite(store),
          ...(folder === undefined ? {} : { folders, place: placeOfFolder(folder) }),
        },
      };
    },
    lookup: async (fields, options) => {
      const found = await this.#served.tree.lookup(takePath(fields), { ...options, follow: fields['follow'] !== false });
      return found === undefined ? {} : { entry: entryFields(found) };
    },
    list: async (fields, options) =>
      await this.#cursors.begin<TreeEntry>(
        this.#served.tree.list(takePath(fields), options),
        ({ length }) => length >= PAGE_ENTRIES,
        (entries) => ({ entries: entries.map(entryFields) }),
      ),
    read: async (fields, options) => {
      const { tree } = this.#served;
      const path = takePath(fields);
      // The client may read stored content itself.
      const block = tree instanceof LiveTree ? await tree.storedContent(path, options) : undefined;
      if (block !== undefined) return { block: formatBlock(block) };
      const [start, end] = [takeCount(fields, 'start'), takeCount(fields, 'end')];
      const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
      return await this.#cursors.begin<Buffer>(
        copied(tree.read(path, range, options)),
        (chunks) => chunks.reduce((size, { length }) => size + length, 0) >= PAGE_BYTES,
        (chunks) => ({ data_b64: Buffer.concat(chunks).toString('base64') }),
      );
    },
    more: async (fields) => await this.#cursors.more(takeCount(fields, 'of') ?? 0),
    close: async (fields) => {
      await this.#cursors.end(takeCount(fields, 'of') ?? 0);
      return {};
    },
    readlink: async (fields, options) => octetsField('target', await this.#served.tree.readlink(takePath(fields), options)),
    dirent: async (fields, options) => ({ dirent: formatDirent(await this.#served.tree.dirent(takePath(fields), options)) }),
    watch: async (_, { signal }) =>
      await this.#cursors.begin(
        this.#served.tree.watch({ signal: AbortSignal.any([signal, this.#over.signal]) }),
        () => true,
        (changes) => ({ changes: changes.map(({ kind, path }) => ({ kind, ...octetsField('path', path) })) }),
      ),
    states: async ({ forgotten }, options) => {
      const { archive } = this.#served;
      if (archive === undefined) return { states: [] };
      return await this.#cursors.begin(
        archive.entries({ ...options, withForgotten: forgotten === true }),
        ({ length }) => length >= PAGE_ENTRIES,
        (entries) => ({ states: entries.map(stateFields) }),
      );
    },
    'last-state': async (_, options) => {
      const last = await this.#served.archive?.last(options);
      return last === undefined ? {} : { state: stateFields(last) };
    },
    has: async (fields, options) => ({ has: await this.#served.tree.store.has(this.#hashcodes(fields), options) }),
    get: async (fields, options) => {
      const { store } = this.#served.tree;
      const blocks: (string | null)[] = [];
      for (const hashcode of this.#hashcodes(fields)) {
        const data = await store.get(hashcode, options);
        blocks.push(data === undefined ? null : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'));
      }
      return { blocks };
    },
    add: async (fields, options) => {
      const isNew: boolean[] = [];
      for (const text of takeTexts(fields, 'blocks'))
        isNew.push((await this.#served.tree.store.add(Buffer.from(text, 'base64'), options)).isNew);
      return { new: isNew };
    },
    flush: async (_, options) => {
      await this.#served.tree.store.flush(options);
      return {};
    },
    keep: async (_, { signal }) => {
      await this.#served.keep(signal);
      return {};
    },
    sync: async (fields, { signal }) => ({ dirref: await this.#served.sync(signal, takeRecordAs(fields)) }),
  };

  readonly #changing: Readonly<Record<string, Request>> = {
    bind: async (fields, options) => {
      const path = takePath(fields);
      const dirent = takeDirent(fields);
      if (path !== ROOT_PATH) await this.#served.tree.bind(path, dirent, options);
      else await this.#become(dirent, options);
      return {};
    },
    adopt: async (fields, options) => {
      const [before, after] = [takeDir(fields, 'before'), takeDir(fields, 'after')];
      const clashes = await this.#live('merge').adopt(before, after, options);
      return {
        clashes: clashes.map(({ path, theirsAt }) => ({
          ...octetsField('path', path),
          ...(theirsAt === undefined ? {} : octetsField('theirs_at', theirsAt)),
        })),
      };
    },
    become: async (fields, { signal }) => {
      const newest =
        fields['newest'] === undefined
          ? undefined
          : { dirent: parseDirent(takeText(fields, 'newest')), whenNs: takeNanoseconds(fields, 'newest_ns') };
      const target = { dirent: takeDir(fields, 'dirent'), whenNs: takeNanoseconds(fields, 'when_ns') };
      await this.#served.become(takeText(fields, 'action'), target, newest, signal);
      return {};
    },
    'record-before': async (fields, { signal }) => {
      await this.#served.recordBefore(takePath(fields), signal);
      return {};
    },
    refresh: async (_, { signal }) => {
      await this.#served.refresh(signal);
      return {};
    },
    mkdir: async (fields, options) => {
      await this.#served.tree.mkdir(takePath(fields), takeMeta(fields), options);
      return {};
    },
    symlink: async (fields, options) => {
      await this.#served.tree.symlink(takePath(fields), takeOctets(fields, 'target'), takeMeta(fields), options);
      return {};
    },
    link: async (fields, options) => {
      await this.#served.tree.link(takePath(fields), takePath(fields, 'to'), options);
      return {};
    },
    remove: async (fields, options) => {
      await this.#served.tree.remove(takePath(fields), { ...options, recursive: fields['recursive'] === true });
      return {};
    },
    rename: async (fields, options) => {
      await this.#served.tree.rename(takePath(fields), takePath(fields, 'to'), options);
      return {};
    },
    copy: async (fields, options) => {
      await this.#served.tree.copy(takePath(fields), takePath(fields, 'to'), options);
      return {};
    },
    meta: async (fields, options) => {
      await this.#served.tree.setMeta(takePath(fields), takeMetaChange(fields), { ...options, follow: fields['follow'] !== false });
      return {};
    },
    write: async (fields, options) => {
      const onlyNew = fields['only_new'] === true;
      const block = parseBlock(takeText(fields, 'block'));
      await this.#live('write').writeBlock(takePath(fields), block, takeMeta(fields), { ...options, onlyNew });
      return {};
    },
  };

  /** Changes the whole tree to another state, difference by difference: nodes in use stay the same nodes. */
  async #become(dirent: ReturnType<typeof takeDirent>, options: OpOptions): Promise<void> {
    const live = this.#live('bind');
    const before = await live.sync(options);
    if (dirent.kind !== 'dir' || before.kind !== 'dir') throw new ParseError('what stands at the top has to be a Dir', 0);
    await live.adopt(before, dirent, options);
  }

  #live(action: string): LiveTree {
    const { tree } = this.#served;
    if (tree instanceof LiveTree) return tree;
    throw new VtError('EREADONLY', `${action} "${tree.name}": read-only`);
  }

  #hashcodes(fields: Fields): HashCode[] {
    const { hashName } = this.#served.tree.store;
    return takeTexts(fields, 'digests').map((hex) => ({ hashName, digest: new Uint8Array(Buffer.from(hex, 'hex')) }));
  }

  /** Resolves once the kernel knows of every change so far, or after TELLING_MS. */
  async told(): Promise<void> {
    const { tree } = this.#served;
    if (!(tree instanceof LiveTree)) return;
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, TELLING_MS);
    });
    await Promise.race([tree.told(), enough]);
    clearTimeout(timer);
  }
}

/** Identifies the folder at a path, also under other paths to it; undefined if there is none. */
export function placeOfFolder(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** Reads how a root is to be recorded; undefined for the default. */
function takeRecordAs(fields: Fields): RecordAs | undefined {
  if (fields['notes'] === undefined) return undefined;
  const notes = readNotes(new TextReader(takeText(fields, 'notes')));
  return { state: fields['state'] === undefined ? undefined : parseArchiveLine(takeText(fields, 'state')), notes };
}

function stateFields({ whenNs, number, dirent, notes, isForgotten }: ArchiveEntry): Fields {
  const told = notes === undefined ? {} : { notes: formatNotes(notes) };
  return {
    number,
    when_ns: whenNs.toString(),
    dirent: formatDirent(dirent),
    ...told,
    ...(isForgotten === true ? { forgotten: true } : {}),
  };
}

/** Reads the text form of a Dir. @throws {ParseError} for anything else */
function takeDir(fields: Fields, name: string): DirDirent {
  const dirent = parseDirent(takeText(fields, name));
  if (dirent.kind !== 'dir') throw new ParseError(`"${name}" has to be a Dir`, 0);
  return dirent;
}

/** Copies each chunk, since a chunk is valid only until the next one is requested. */
async function* copied(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}
