import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { Beneath } from '../base/system/beneath.ts';
import type { Dirent, IndirectDirent } from '../dirent/dirent.ts';
import { metaOf } from '../import/import-meta.ts';
import { baseName } from '../tree/path.ts';
import type { GrownFiles } from './grown-files.ts';
import { parentOf } from './local-pattern.ts';
import type { Retries } from './retries.ts';
import { statOfItself } from './stat-of.ts';
import { isLinked, type StoredSide } from './stored-side.ts';
import type { WatchFindings } from './watch-findings.ts';
import type { WatchGroupOptions } from './watch-group-options.ts';
import { isReplaced, LARGE_SIZE, type WatchImport } from './watch-import.ts';
import type { WatchRules } from './watch-rules.ts';

type Node = Exclude<Dirent, IndirectDirent>;

/** The parts that a look uses. */
interface WatchPathsParts {
  readonly options: WatchGroupOptions;
  readonly findings: WatchFindings;
  readonly imports: WatchImport;
  readonly rules: WatchRules | undefined;
  readonly retries: Retries;
  readonly stored: StoredSide;
  readonly grown: GrownFiles;
}

/** Looks at single paths of a watched tree and finds their changes. */
export class WatchPaths {
  readonly #parts: WatchPathsParts;

  constructor(parts: WatchPathsParts) {
    this.#parts = parts;
  }

  /**
   * Looks at paths that may have changed. Changes go to the findings; failed paths are tried again later.
   *
   * @param dirty - the paths, sorted
   */
  async look(dirty: readonly Octets[], options: OpOptions): Promise<void> {
    const parents = new Set<Octets>();
    const looked = new Set<Octets>();
    const { options: watched, findings, retries, stored } = this.#parts;
    const { folder } = watched;
    using beneath = new Beneath(folder);
    let whole: Octets | undefined;
    for (const noted of dirty) {
      // A folder that was imported completely includes everything below it.
      if (whole !== undefined && noted.startsWith(`${whole}/`)) continue;
      let path = noted;
      try {
        path = await this.#placeOf(noted, beneath, options);
        if (path !== noted && (await stored.hasOtherNames(noted, options))) findings.needsScan = true;
        if (findings.needsScan) return;
        if (looked.has(path)) continue;
        looked.add(path);
        const before = findings.changes.length;
        const found = await this.#lookAtOne(path, beneath, options);
        if (findings.changes.length === before) retries.clear(path);
        if (path !== noted) retries.clear(noted);
        if (found === 'same') continue;
        if (path !== folder) parents.add(parentOf(path));
        if (found === 'whole') whole = path;
      } catch (error) {
        retries.fail(path, error);
      }
      if (findings.needsScan) return;
    }
    for (const parent of [...parents].sort().reverse()) findings.add(parent, async () => await stored.setDirMeta(parent, options));
  }

  /** The path, or the uppermost one above it that is no longer a directory, locally or in the tree: then that one changed. */
  async #placeOf(path: Octets, beneath: Beneath, options: OpOptions): Promise<Octets> {
    const { options: watched, stored } = this.#parts;
    const { folder, tree } = watched;
    const entry = beneath.entry(path);
    const last = typeof entry === 'string' ? path : entry.notDirectory;
    for (let end = folder.length; end !== -1 && end < last.length; end = path.indexOf('/', end + 1)) {
      const above = path.slice(0, end) as Octets;
      if ((await tree.lookup(stored.pathOf(above), { follow: false, ...options }))?.dirent.kind !== 'dir') return above;
    }
    return last;
  }

  /** Finds what changed at a path. @returns `same` if nothing did, `whole` if a new directory was imported completely */
  async #lookAtOne(path: Octets, beneath: Beneath, options: OpOptions): Promise<'whole' | 'same' | undefined> {
    const { options: watched, findings, rules, stored: storedSide, grown: grownFiles } = this.#parts;
    const { tree, folder, target } = watched;
    const at = storedSide.pathOf(path);
    const entry = beneath.entry(path);
    const stat = typeof entry === 'string' ? statOfItself(entry) : undefined;
    const stored = await tree.lookup(at, { follow: false, ...options });
    // A change by a name that is gone may concern other names of the node, which only a full scan finds.
    if (isLinked(stored)) findings.needsScan = true;
    if (stat === undefined || typeof entry !== 'string') {
      grownFiles.drop(path);
      if (stored !== undefined && at !== target) findings.add(path, async () => await storedSide.remove(at, options));
      return undefined;
    }
    if (rules?.excludes(path, stat.isDirectory()) === true) {
      // The name was not excluded while it belonged to another kind of node.
      if (stored !== undefined) findings.add(path, async () => await storedSide.remove(at, options));
      return undefined;
    }
    if (stat.isDirectory() && stored?.dirent.kind === 'dir') {
      findings.add(path, async () => await storedSide.setDirMeta(path, options));
      return undefined;
    }
    // Hard links are only found by a full scan; so is a change of the top folder.
    if (path === folder || isLinked(stored) || (stat.nlink > 1n && !stat.isDirectory())) {
      findings.needsScan = true;
      return undefined;
    }
    const grown =
      stored?.dirent.kind === 'file' && stat.isFile() ? await grownFiles.look(path, entry, stored.dirent, stat, options) : undefined;
    if (grown === 'same') return 'same';
    if (grown !== undefined) {
      findings.newBytes += grown.bytes;
      findings.readBytes += grown.readBytes;
      const meta = metaOf(grown.stat, watched.owners, grown.xattrs);
      const dirent: Node = { kind: 'file', name: baseName(at), meta, block: grown.block };
      findings.add(path, async () => await tree.bind(at, dirent, options));
      return undefined;
    }
    try {
      const { dirent, isLinkedBeyond } = await this.#parts.imports.import(
        path,
        entry,
        stat.isDirectory() ? LARGE_SIZE : Number(stat.size),
        options,
      );
      // Hard links are only found by a full scan.
      if (isLinkedBeyond || (dirent.kind === 'dir' && dirent.inodes !== undefined)) {
        findings.needsScan = true;
        return undefined;
      }
      findings.add(path, async () => await tree.bind(at, dirent, options));
    } catch (error) {
      if (!isReplaced(error)) throw error;
    }
    return stat.isDirectory() ? 'whole' : undefined;
  }
}
