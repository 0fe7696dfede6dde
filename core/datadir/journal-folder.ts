import { closeSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { VtError } from '../base/errors.ts';
import { tryLock } from '../base/system/file-lock.ts';
import { makeStoreFolder, openOrCreateStoreFile, openStoreFile, replaceStoreFile } from '../base/system/store-files.ts';
import { syncFolder } from '../base/system/sync-folder.ts';
import { errorCode } from '../base/system/system-error.ts';
import type { JournalFile, LeftJournal, LeftOutcome, SeenJournal, StoreJournals } from '../store/journals.ts';
import { continueJournalFile, type JournalFileOptions, makeJournalFile, readJournalFile, readWhole } from './journal-file.ts';

/** The folder of the journals, in a datadir. */
const JOURNALS_FOLDER = 'journals';
/** In it: the files of journals that were set aside. */
const ASIDE_FOLDER = 'aside';
/** In it: locked by a recovery of journals, so that nobody else opens the tree without what they hold. */
const RECOVERY_LOCK = 'recovery.lock';
/** The file of a journal: the journal's id, and its number. */
const FILE_NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9]{1,15})$/;

/** Milliseconds between two tries to get it. */
const LOOK_MS = 10;

/** A file of a journal that is locked, since its process is dead. */
interface LeftFile {
  readonly path: string;
  readonly number: number;
  readonly fd: number;
}

/** The journals of a datadir. Each file is locked by its process as long as that lives. @see vt(5), "Journals" */
export class JournalFolder implements StoreJournals {
  readonly #folder: string;
  readonly #options: JournalFileOptions;

  constructor(storeFolder: string, options: JournalFileOptions) {
    this.#folder = join(storeFolder, JOURNALS_FOLDER);
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#byJournal().size === 0;
  }

  async hasLeft(): Promise<boolean> {
    if (this.isEmpty) return false;
    return await this.#alone(async () => {
      for (const names of this.#byJournal().values()) {
        const left = takeLeft(this.#folder, names) ?? [];
        for (const { fd } of left) closeSync(fd);
        if (left.length > 0) return true;
      }
      return await Promise.resolve(false);
    });
  }

  begin(id: string, number: number): JournalFile {
    makeStoreFolder(this.#folder, this.#options.access);
    const file = makeJournalFile(join(this.#folder, `${id}.${number}`), this.#options);
    syncFolder(this.#folder);
    return file;
  }

  async recover(each: (journal: LeftJournal) => Promise<LeftOutcome>): Promise<void> {
    if (this.isEmpty) return;
    await this.#alone(async () => {
      for (const [id, names] of this.#byJournal()) {
        const left = takeLeft(this.#folder, names) ?? [];
        try {
          if (left.length === 0) continue;
          if ((await each(this.#openLeft(id, left))) === 'keep') continue;
          // The last one says what became of the others.
          for (const { path } of left) unlinkSync(path);
        } finally {
          for (const { fd } of left) closeSync(fd);
        }
      }
    });
  }

  *look(): Iterable<SeenJournal> {
    for (const name of [...this.#byJournal().values()].flat()) {
      const path = join(this.#folder, name);
      const fd = openIfThere(path, 'read');
      // Its process has just removed it: a root is recorded that has what it held.
      if (fd === undefined) continue;
      try {
        yield { name: `${JOURNALS_FOLDER}/${name}`, records: readJournalFile(fd, path).records };
      } finally {
        closeSync(fd);
      }
    }
  }

  async setAside(name: string): Promise<readonly string[]> {
    const names = this.#byJournal().get(name.startsWith(`${JOURNALS_FOLDER}/`) ? name.slice(JOURNALS_FOLDER.length + 1) : '');
    if (names === undefined) throw new VtError('EFAILED', `set aside "${name}": there is no such journal`);
    return await this.#alone(async () => {
      const left = takeLeft(this.#folder, names);
      if (left === undefined) throw new VtError('EFAILED', `set aside "${name}": the mount that writes it is alive`);
      try {
        makeStoreFolder(this.#aside, this.#options.access);
        for (const { path } of left) renameSync(path, join(this.#aside, basename(path)));
        for (const folder of [this.#aside, this.#folder]) syncFolder(folder);
      } finally {
        for (const { fd } of left) closeSync(fd);
      }
      return await Promise.resolve(left.map(({ path }) => asideName(basename(path))));
    });
  }

  listAside(): readonly string[] {
    return namesIn(this.#aside)
      .filter((name) => FILE_NAME.test(name))
      .sort()
      .map(asideName);
  }

  get #aside(): string {
    return join(this.#folder, ASIDE_FOLDER);
  }

  #openLeft(id: string, left: readonly LeftFile[]): LeftJournal {
    const contents = left.map((file) => ({ ...file, ...readJournalFile(file.fd, file.path) }));
    return {
      name: `${JOURNALS_FOLDER}/${id}`,
      files: contents,
      append: async (payload) => {
        const last = contents.at(-1);
        if (last === undefined) return;
        const file = continueJournalFile(last.fd, last.path, last.end);
        file.append(payload);
        await file.sync();
      },
      copyAside: () => {
        const { access } = this.#options;
        makeStoreFolder(this.#aside, access);
        for (const { path, fd } of left) replaceStoreFile(join(this.#aside, basename(path)), readWhole(fd), access);
        for (const folder of [this.#aside, this.#folder]) syncFolder(folder);
        return `${JOURNALS_FOLDER}/${ASIDE_FOLDER}`;
      },
    };
  }

  /** Only the holder of the recovery lock tries the locks of journals: so a lock that is taken belongs to a living process. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const lock = openOrCreateStoreFile(join(this.#folder, RECOVERY_LOCK), this.#options.access);
    try {
      while (tryLock(lock) === 'taken') await delay(LOOK_MS);
      return await work();
    } finally {
      closeSync(lock);
    }
  }

  /** The names of files by journal. */
  #byJournal(): Map<string, string[]> {
    const journals = new Map<string, string[]>();
    for (const name of namesIn(this.#folder)) {
      const [, id] = FILE_NAME.exec(name) ?? [];
      if (id !== undefined) journals.set(id, [...(journals.get(id) ?? []), name]);
    }
    return journals;
  }
}

function asideName(file: string): string {
  return `${JOURNALS_FOLDER}/${ASIDE_FOLDER}/${file}`;
}

/** Locks the files of a journal, the oldest first; undefined where its process lives. */
function takeLeft(folder: string, names: readonly string[]): LeftFile[] | undefined {
  const left: LeftFile[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const fd = openIfThere(path, 'update');
    // Its process has just removed it.
    if (fd === undefined) continue;
    if (tryLock(fd) === 'held') {
      left.push({ path, number: Number(FILE_NAME.exec(name)?.[2]), fd });
      continue;
    }
    for (const each of [...left, { fd }]) closeSync(each.fd);
    return undefined;
  }
  return left.sort((a, b) => a.number - b.number);
}

function openIfThere(path: string, manner: 'read' | 'update'): number | undefined {
  try {
    return openStoreFile(path, manner);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
