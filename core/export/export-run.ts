import { fstatSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { CName } from '../base/system/at-calls.ts';
import { cName } from '../base/system/at-calls.ts';
import { errorCode } from '../base/system/system-error.ts';
import type { Meta } from '../dirent/meta.ts';
import { damagedBlocks } from '../tree/damaged-blocks.ts';
import type { WalkLink } from '../tree/walk.ts';
import { isDamage } from '../tree/walk.ts';
import type { Attributes } from './export-attributes.ts';
import { attributesOf } from './export-attributes.ts';
import { foldName, foldsCase } from './export-case.ts';
import type { ExportContext } from './export-context.ts';
import { ExportDir, openContainer, openOrMakeDir } from './export-dir.ts';
import { ExportFiles } from './export-files.ts';
import { messageOf } from './export-io.ts';
import type { NamedPlace } from './export-links.ts';
import { PendingLinks } from './export-links.ts';
import { makePlainNode } from './export-nodes.ts';
import { linkAt, makeAt, mayStay } from './export-place.ts';
import { ExportReport } from './export-report.ts';
import type { WalkStep } from './export-walk.ts';
import type { FileRun } from './file-run.ts';
import { nodeError } from './filesystem-lacks.ts';
import { removeAbandoned } from './temporary-names.ts';
import { timeGrain } from './time-grain.ts';

type EnterStep = Extract<WalkStep, { kind: 'enter' }>;
type NodeStep = Extract<WalkStep, { kind: 'node' }>;

/** Maximum directories on the walk's path that are open: the innermost ones. */
const MAX_OPEN_LEVELS = 128;

/** Maximum directories that the walk has left but that are open for work in them. */
const MAX_WAITING_DIRS = 256;

/** Errors of link(2) if a node has the maximum number of names, or the name is on another filesystem. */
const LINK_LIMITS: readonly string[] = ['EMLINK', 'EXDEV'];

/** One export in progress: its open directories, pending links, files and report. */
export class ExportRun implements FileRun {
  readonly report: ExportReport;
  readonly context: ExportContext;
  readonly #files: ExportFiles;
  readonly #links = new PendingLinks();
  /** Directories not yet complete. */
  readonly #open = new Set<ExportDir>();
  readonly #container: ExportDir;
  readonly #topName: Octets;
  /** The directories on the walk's path; undefined for a skipped one. */
  readonly #stack: (ExportDir | undefined)[] = [];
  readonly #self = { uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1 };
  #top: ExportDir | undefined;
  #foldsCase: boolean | undefined;
  #grainNs: bigint | undefined;
  #temporaries = 0;
  #hasCopied = false;

  constructor(context: ExportContext) {
    this.context = context;
    this.report = new ExportReport(context);
    const slash = context.target.lastIndexOf('/');
    const parent = (slash <= 0 ? '/' : context.target.slice(0, slash)) as Octets;
    const name = context.target.slice(slash + 1);
    this.#topName = (name === '' ? '.' : name) as Octets;
    this.#container = this.#addDir(openContainer(parent), { path: '' as Octets, parent: undefined, isFresh: false, attributes: undefined });
    this.#foldsCase = context.foldsCase;
    this.#files = new ExportFiles(this);
  }

  /** Makes or opens the local directory of a Dir. @returns false if that failed; the failure has been reported */
  enter(step: EnterStep): boolean {
    const parent = this.#stack.length === 0 ? this.#container : this.#stack.at(-1);
    let dir: ExportDir | undefined;
    if (parent !== undefined && this.#clashFree(parent, step.name, step.path)) {
      this.report.attempt(step.path, () => {
        const name = this.#stack.length === 0 ? this.#topName : step.name;
        const mayKeepMeta = this.context.keepsTopMeta && this.#stack.length === 0;
        const { fd, isFresh } = openOrMakeDir(this.context.at, parent.fd, cName(name), !mayKeepMeta);
        this.#foldsCase ??= foldsCase(this.context.at, fd, `${this.context.temporaryPrefix}case` as Octets);
        if (!isFresh) removeAbandoned(this.context.at, fd);
        const attributes = mayKeepMeta && !isFresh ? undefined : this.attributes('dir', step.dirent.meta, false);
        dir = this.#addDir(fd, { path: step.path, parent, isFresh, attributes });
        this.#top ??= dir;
      });
    }
    this.#stack.push(dir);
    this.#stack.at(-1 - MAX_OPEN_LEVELS)?.park();
    if (dir !== undefined) this.report.counts.dirs++;
    return dir !== undefined;
  }

  /** Waits if too many directories are open that the walk has left. Descriptors are limited. */
  async room(): Promise<void> {
    if (this.#open.size - this.#stack.length > MAX_WAITING_DIRS) await this.#files.drain();
  }

  /** Called when the walk leaves the innermost Dir. */
  leave(): void {
    const outermost = this.#stack.length - 1 - MAX_OPEN_LEVELS;
    const parked = this.#stack[outermost];
    const child = this.#stack[outermost + 1];
    if (parked !== undefined && !this.report.attempt(parked.path, () => parked.unpark(child))) {
      // The rest of it is skipped.
      this.#stack[outermost] = undefined;
      parked.release();
    }
    this.#stack.pop()?.release();
  }

  /** Makes a node, or queues it. @returns a promise if the caller must wait before the next node */
  node(step: NodeStep): Promise<void> | undefined {
    const dir = this.#stack.length === 0 ? this.#container : this.#stack.at(-1);
    if (dir === undefined) return undefined;
    const name = this.#stack.length === 0 ? this.#topName : step.name;
    if (!this.#clashFree(dir, name, step.path)) return undefined;
    if (this.#stack.length === 0) this.#sweep(dir.fd);
    dir.hold();
    return this.#place({ dir, name, path: step.path, dirent: step.dirent }, step.link);
  }

  /** Removes leftovers of dead processes in the directory of an exported single node, once per directory. */
  #sweep(fd: number): void {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    const key = `${dev} ${ino}`;
    if (this.context.swept.has(key)) return;
    this.context.swept.add(key);
    removeAbandoned(this.context.at, fd);
  }

  #place(place: NamedPlace, link: WalkLink | undefined): Promise<void> | undefined {
    const first = link === undefined ? 'write' : this.#links.arrive(link, place);
    if (first === undefined) return undefined;
    if (first !== 'write') return this.#link(first, place, link);
    let stays = false;
    const isFree = this.report.attempt(place.path, () => {
      stays = mayStay(this.context.at, place, { ...this.context, grainNs: this.#grainOf(place.dir) });
    });
    if (!isFree) return this.done(place, link, false);
    if (stays) {
      this.report.counts.skipped++;
      return this.done(place, link, true);
    }
    const { dirent } = place;
    if (dirent.kind === 'file') return this.#files.add({ dir: place.dir, name: place.name, path: place.path, dirent, link });
    const made = this.report.attempt(place.path, () => this.#makePlain(place));
    if (made) this.report.counts[dirent.kind === 'symlink' ? 'symlinks' : 'specials']++;
    return this.done(place, link, made);
  }

  async fail({ path, dirent }: NamedPlace, error: unknown): Promise<void> {
    this.report.fail(path, error);
    if (!isDamage(error) || dirent.kind !== 'file') return;
    const { source, signal } = this.context;
    try {
      for await (const { hashcode, error: damage } of damagedBlocks(source, dirent.block, signal))
        if (hashcode === '' || !error.message.includes(hashcode)) this.report.alsoDamaged(path, damage);
    } catch (failure) {
      this.report.fail(path, failure);
    }
  }

  /** The resolution of the filesystem's times in nanoseconds; 1 if it does not matter. */
  #grainOf(dir: ExportDir): bigint {
    if (!this.context.resume || dir.isFresh) return 1n;
    this.#grainNs ??= timeGrain(this.context.at, dir.fd, `${this.context.temporaryPrefix}time` as Octets);
    return this.#grainNs;
  }

  done(place: NamedPlace, link: WalkLink | undefined, stands: boolean): Promise<void> | undefined {
    if (link === undefined) {
      place.dir.release();
      return undefined;
    }
    if (!stands) return this.#retryLinks(place, link);
    return this.#linkAll(place, link, this.#links.written(link, place));
  }

  #linkAll(first: NamedPlace, link: WalkLink, others: readonly NamedPlace[]): Promise<void> | undefined {
    let last: Promise<void> | undefined;
    for (const other of others) {
      if (this.#links.isBeingWritten(link)) this.#links.wait(link, other);
      else last = this.#link(first, other, link) ?? last;
    }
    first.dir.release();
    return last;
  }

  async #retryLinks(place: NamedPlace, link: WalkLink): Promise<void> {
    for (const other of this.#links.failed(link)) await this.#place(other, link);
    place.dir.release();
  }

  #makePlain(place: NamedPlace): void {
    const { dir, path, dirent } = place;
    if (dirent.kind === 'file') return;
    const { at } = this.context;
    const attributes = this.attributes(dirent.kind, dirent.meta, dir.givesAcl);
    const onFailure = this.report.attributeFailure(path);
    makeAt(at, place, this.temporaryName(), (name) => {
      try {
        makePlainNode(at, dir.fd, name, dirent, attributes, onFailure);
      } catch (error) {
        throw nodeError(error, dirent.kind, this.#self.uid === 0);
      }
    });
  }

  /** Makes a hard link to the node at `first`. If the filesystem allows no more links, or none there, the name becomes a copy. */
  #link(first: NamedPlace, place: NamedPlace, link: WalkLink | undefined): Promise<void> | undefined {
    const top = (this.#top ?? this.#container).fd;
    const { dirent } = place;
    try {
      linkAt(this.context.at, top, first, place, this.temporaryName());
      this.report.counts.links++;
    } catch (error) {
      if (link !== undefined && dirent.kind === 'file' && LINK_LIMITS.includes(errorCode(error) ?? '')) {
        if (!this.#hasCopied)
          this.context.onNotice?.(
            `"${octetsToText(place.path)}" becomes a copy instead of a hard link, as others may: ${messageOf(error)}`,
          );
        this.#hasCopied = true;
        this.#links.restart(link);
        return this.#files.add({ ...place, dirent, link });
      }
      this.report.fail(place.path, error);
    }
    place.dir.release();
    return undefined;
  }

  temporaryName(): CName {
    return cName(`${this.context.temporaryPrefix}${(this.#temporaries++).toString(36)}` as Octets);
  }

  attributes(kind: string, meta: Meta, dropsAcl: boolean): Attributes {
    const { owner, names } = this.context;
    return attributesOf(kind, meta, { owner, names, self: this.#self }, dropsAcl);
  }

  /** Waits until everything is written and every directory is complete. @throws {VtError} if the export cannot continue */
  async finish(): Promise<void> {
    await this.#files.finish();
    this.report.throwIfFatal();
    this.#container.release();
    await this.#files[Symbol.asyncDispose]();
  }

  /** Gives up. Files in progress are finished or removed, queued ones are dropped, and directories do not get their attributes. */
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
      foldsCase: options.parent !== undefined && this.#foldsCase === true,
      at: this.context.at,
      onFailure: this.report.attributeFailure(options.path),
      onClosed: () => this.#open.delete(dir),
    });
    this.#open.add(dir);
    return dir;
  }

  #clashFree(dir: ExportDir, name: Octets, path: Octets): boolean {
    if (dir.folded === undefined) return true;
    const folded = foldName(name);
    if (dir.folded.has(folded)) {
      this.report.fail(path, new VtError('EFAILED', 'write: its name differs from another only in case, and this filesystem ignores case'));
      return false;
    }
    dir.folded.add(folded);
    return true;
  }
}
