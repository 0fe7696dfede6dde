import { closeSync } from 'node:fs';
import type { AtCalls, CName } from '../base/at-calls.ts';
import { cName } from '../base/at-calls.ts';
import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText, octetsToTextStrict } from '../base/octets.ts';
import type { OwnerNames } from '../base/owner-names.ts';
import { errorCode } from '../base/system-error.ts';
import type { Store } from '../store/store.ts';
import type { ExportCounts, ExportFailure } from './export.ts';
import type { AttributeFailure, Attributes, OwnerPolicy } from './export-attributes.ts';
import { attempt, attributesOf } from './export-attributes.ts';
import { ExportDir, openBelow, openContainer, openOrMakeDir } from './export-dir.ts';
import { ExportFiles } from './export-files.ts';
import { messageOf } from './export-io.ts';
import type { NamedPlace } from './export-links.ts';
import { PendingLinks } from './export-links.ts';
import { isDirectory, isIdentical, makePlainNode } from './export-nodes.ts';
import type { WalkStep } from './export-walk.ts';
import type { WalkLink } from './walk.ts';
import { isDamage } from './walk.ts';

/** What one export works with; see {@link ExportOptions}. */
export interface ExportContext {
  readonly source: Store;
  readonly at: AtCalls;
  readonly target: Octets;
  readonly owner: OwnerPolicy;
  readonly names: OwnerNames;
  readonly sparse: boolean;
  readonly existing: 'replace' | 'keep';
  readonly resume: boolean;
  readonly workers: number;
  readonly signal: AbortSignal | undefined;
  readonly onFailure: ((failure: ExportFailure) => void) | undefined;
  readonly onProgress: ((counts: Readonly<ExportCounts>) => void) | undefined;
  readonly foldsCase: boolean | undefined;
  /** What temporary names begin with; a number follows. */
  readonly temporaryPrefix: string;
}

type EnterStep = Extract<WalkStep, { kind: 'enter' }>;
type NodeStep = Extract<WalkStep, { kind: 'node' }>;

/** Errors after which nothing more can be written. */
const FATAL_CODES: readonly string[] = ['ENOSPC', 'EDQUOT', 'EROFS'];

/** Directories that the walk has left and that wait for files in them. */
const MAX_WAITING_DIRS = 256;

/** One export under way: the directories that are open, the links that wait, and what was done. */
export class ExportRun {
  readonly counts: ExportCounts = { files: 0, dirs: 0, symlinks: 0, specials: 0, links: 0, skipped: 0, bytes: 0, failures: 0, damaged: 0 };
  readonly context: ExportContext;
  readonly #files: ExportFiles;
  readonly #links = new PendingLinks();
  /** Directories not yet complete. */
  readonly #open = new Set<ExportDir>();
  readonly #container: ExportDir;
  readonly #topName: Octets;
  /** Dirs that the walk is in; undefined for one that was skipped. */
  readonly #stack: (ExportDir | undefined)[] = [];
  readonly #self = { uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1 };
  #top: ExportDir | undefined;
  #foldsCase: boolean | undefined;
  #fatal: Error | undefined;
  #temporaries = 0;

  constructor(context: ExportContext) {
    this.context = context;
    const slash = context.target.lastIndexOf('/');
    const parent = (slash <= 0 ? '/' : context.target.slice(0, slash)) as Octets;
    const name = context.target.slice(slash + 1);
    this.#topName = (name === '' ? '.' : name) as Octets;
    this.#container = this.#addDir(openContainer(parent), { path: '' as Octets, parent: undefined, isFresh: false, attributes: undefined });
    this.#foldsCase = context.foldsCase;
    this.#files = new ExportFiles(this);
  }

  /** Makes or opens the local directory of a Dir; false if that failed, which has been reported. */
  enter(step: EnterStep): boolean {
    const parent = this.#stack.length === 0 ? this.#container : this.#stack.at(-1);
    let dir: ExportDir | undefined;
    if (parent !== undefined && this.#clashFree(parent, step.name, step.path)) {
      this.attempt(step.path, () => {
        const name = this.#stack.length === 0 ? this.#topName : step.name;
        const { fd, isFresh } = openOrMakeDir(this.context.at, parent.fd, cName(name));
        this.#foldsCase ??= this.#probeCase(fd);
        dir = this.#addDir(fd, { path: step.path, parent, isFresh, attributes: this.attributes('dir', step, false) });
        this.#top ??= dir;
      });
    }
    this.#stack.push(dir);
    if (dir !== undefined) this.counts.dirs++;
    return dir !== undefined;
  }

  /** Waits while more directories are open than the walk needs: descriptors are few. */
  async room(): Promise<void> {
    if (this.#open.size - this.#stack.length > MAX_WAITING_DIRS) await this.#files.drain();
  }

  /** The walk of the innermost Dir is over. */
  leave(): void {
    this.#stack.pop()?.release();
  }

  /** Makes a node, or has it made soon. */
  async node(step: NodeStep): Promise<void> {
    const dir = this.#stack.length === 0 ? this.#container : this.#stack.at(-1);
    if (dir === undefined) return;
    const name = this.#stack.length === 0 ? this.#topName : step.name;
    if (!this.#clashFree(dir, name, step.path)) return;
    dir.hold();
    await this.#place({ dir, name, path: step.path, dirent: step.dirent }, step.link);
  }

  async #place(place: NamedPlace, link: WalkLink | undefined): Promise<void> {
    const first = link === undefined ? 'write' : this.#links.arrive(link, place);
    if (first === undefined) return;
    if (first !== 'write') {
      this.#link(first, place);
      return;
    }
    let stays = false;
    const isFree = this.attempt(place.path, () => {
      stays = this.#mayStay(place);
    });
    if (!isFree) return await this.done(place, link, false);
    if (stays) {
      this.counts.skipped++;
      return await this.done(place, link, true);
    }
    const { dirent } = place;
    if (dirent.kind === 'file') return await this.#files.add({ ...place, dirent, link });
    const made = this.attempt(place.path, () => this.#makePlain(place));
    if (made) this.counts[dirent.kind === 'symlink' ? 'symlinks' : 'specials']++;
    await this.done(place, link, made);
  }

  /** A node stands, or failed to: its other names follow, and its directory may be complete. */
  async done(place: NamedPlace, link: WalkLink | undefined, stands: boolean): Promise<void> {
    if (link !== undefined) {
      if (stands) for (const other of this.#links.written(link, place)) this.#link(place, other);
      else for (const other of this.#links.failed(link)) await this.#place(other, link);
    }
    place.dir.release();
  }

  /** Whether what stands at a place is left alone. @throws {VtError} if a directory is in the way */
  #mayStay({ dir, name, dirent }: NamedPlace): boolean {
    if (dir.isFresh) return false;
    const seen = this.context.at.stat(dir.fd, cName(name));
    if (seen === undefined) return false;
    if (isDirectory(seen)) throw new VtError('EFAILED', 'write over a local directory: in the way');
    if (this.context.existing === 'keep') return true;
    return this.context.resume && isIdentical(seen, dirent, () => this.context.at.readlink(dir.fd, cName(name)));
  }

  #makePlain({ dir, name, path, dirent }: NamedPlace): void {
    if (dirent.kind === 'file') return;
    const attributes = this.attributes(dirent.kind, { path, dirent }, dir.givesAcl);
    this.#viaTemporary(dir, name, (made) => makePlainNode(this.context.at, dir.fd, made, dirent, attributes, this.attributeFailure(path)));
  }

  /** Makes something under its own name where nothing can stand there, else under a temporary one which then replaces what does. */
  #viaTemporary(dir: ExportDir, name: Octets, make: (name: CName) => void): void {
    const { at } = this.context;
    if (dir.isFresh) {
      make(cName(name));
      return;
    }
    const temporary = this.temporaryName();
    try {
      make(temporary);
      at.rename(dir.fd, temporary, cName(name));
    } catch (error) {
      at.unlink(dir.fd, temporary);
      throw error;
    }
  }

  /** Gives a node that stands at `first` another name. */
  #link(first: NamedPlace, place: NamedPlace): void {
    const { at } = this.context;
    const made = this.attempt(place.path, () => {
      const fromDir = first.dir.isOpen ? first.dir.fd : openBelow(at, (this.#top ?? this.#container).fd, parentOf(first.path));
      try {
        const from = cName(first.name);
        const seen = place.dir.isFresh ? undefined : at.stat(place.dir.fd, cName(place.name));
        if (seen !== undefined) {
          if (isDirectory(seen)) throw new VtError('EFAILED', 'write over a local directory: in the way');
          const node = at.stat(fromDir, from);
          if (node?.ino === seen.ino && node.dev === seen.dev) return;
        }
        this.#viaTemporary(place.dir, place.name, (name) => at.link(fromDir, from, place.dir.fd, name));
      } finally {
        if (fromDir !== first.dir.fd || !first.dir.isOpen) closeSync(fromDir);
      }
    });
    if (made) this.counts.links++;
    place.dir.release();
  }

  /** A name in no use, to be renamed. */
  temporaryName(): CName {
    return cName(`${this.context.temporaryPrefix}${(this.#temporaries++).toString(36)}` as Octets);
  }

  attributes(kind: string, { dirent }: Pick<NamedPlace, 'path'> & Pick<EnterStep | NodeStep, 'dirent'>, dropsAcl: boolean): Attributes {
    const { owner, names } = this.context;
    return attributesOf(kind, dirent.meta, { owner, names, self: this.#self }, dropsAcl);
  }

  /** Reports what could not be set of a node that stands. */
  attributeFailure(path: Octets): AttributeFailure {
    return (what, error) => {
      this.#report({
        path,
        error: new VtError('EFAILED', `set ${what}: ${messageOf(error)}`, { cause: error }),
        isDamage: false,
        isAttribute: true,
      });
    };
  }

  /** Reports a node that could not be made. */
  fail(path: Octets, error: unknown): void {
    const code = errorCode(error);
    if (code === 'ECANCELLED') this.#fatal ??= error as Error;
    else if (code !== undefined && FATAL_CODES.includes(code))
      this.#fatal ??= new VtError('EFAILED', `write "${this.localPath(path)}": ${messageOf(error)}`, { cause: error });
    else
      this.#report({
        path,
        error: error instanceof Error ? error : new Error(String(error)),
        isDamage: isDamage(error),
        isAttribute: false,
      });
  }

  /** Runs an action; its error is reported for `path`. */
  attempt(path: Octets, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      this.fail(path, error);
      return false;
    }
  }

  #report(failure: ExportFailure): void {
    this.counts.failures++;
    if (failure.isDamage) this.counts.damaged++;
    this.context.onFailure?.(failure);
  }

  /** Content was written. */
  progress(bytes: number): void {
    this.counts.bytes += bytes;
    this.context.onProgress?.(this.counts);
  }

  /** @throws {VtError} what makes going on pointless: a full disk */
  throwIfFatal(): void {
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  localPath(path: Octets): string {
    return octetsToText((path === '' ? this.context.target : `${this.context.target}/${path}`) as Octets);
  }

  /** Waits until everything is written and every directory complete. */
  async finish(): Promise<void> {
    await this.#files.finish();
    this.throwIfFatal();
    this.#container.release();
    await this.#files[Symbol.asyncDispose]();
  }

  /** Gives up: what is being written is ended and removed, and what stands is left as it is. */
  async abandon(): Promise<void> {
    await this.#files.cancel();
    await this.#files[Symbol.asyncDispose]();
    for (const dir of this.#open) dir.abandon();
    this.#open.clear();
  }

  #addDir(
    fd: number,
    options: { path: Octets; parent: ExportDir | undefined; isFresh: boolean; attributes: Attributes | undefined },
  ): ExportDir {
    const dir = new ExportDir(fd, {
      ...options,
      foldsCase: options.attributes !== undefined && this.#foldsCase === true,
      at: this.context.at,
      onFailure: this.attributeFailure(options.path),
      onClosed: () => this.#open.delete(dir),
    });
    this.#open.add(dir);
    return dir;
  }

  /** Whether the filesystem takes `a` and `A` for one name. */
  #probeCase(dir: number): boolean {
    const { at } = this.context;
    const name = `${this.context.temporaryPrefix}case`;
    const probe = cName(name as Octets);
    try {
      closeSync(at.open(dir, probe, 'create'));
      return at.stat(dir, cName(name.toUpperCase() as Octets)) !== undefined;
    } catch {
      return false; // what forbids writing here is told when something is written
    } finally {
      attempt(
        '',
        () => undefined,
        () => at.unlink(dir, probe),
      );
    }
  }

  #clashFree(dir: ExportDir, name: Octets, path: Octets): boolean {
    if (dir.folded === undefined) return true;
    const folded = octetsToTextStrict(name)?.normalize('NFC').toLowerCase() ?? name;
    if (dir.folded.has(folded)) {
      this.fail(
        path,
        new VtError('EFAILED', 'write: its name differs from another only in case, which this filesystem does not tell apart'),
      );
      return false;
    }
    dir.folded.add(folded);
    return true;
  }
}

function parentOf(path: Octets): Octets {
  return path.slice(0, Math.max(0, path.lastIndexOf('/'))) as Octets;
}
