import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { Tree } from '../../../core/tree/tree.ts';
import { type LineEnd, openShellHere } from '../../support/shells/shell-here.ts';
import { treeLines } from '../../support/trees/tree-lines.ts';
import type { ModelFile, ModelFiles } from './model.ts';

/** How lines ended. */
export interface MachineEnd extends LineEnd {
  /** The tree at the end. */
  readonly files: ModelFiles;
  /** The Dirref that the end of the session printed. */
  readonly dirref: string | undefined;
}

/** A Store with its default archive: what runs on it runs in a session of its own each time. */
export class Machine {
  readonly name: string;
  readonly store: string;
  readonly #home: string;
  readonly #now: () => Date;

  constructor(folder: string, name: string, now: () => Date) {
    this.name = name;
    this.store = join(folder, name);
    this.#home = join(folder, `home-${name}`);
    this.#now = now;
    mkdirSync(this.#home);
  }

  /** Writes a local file. @returns its path */
  local(content: string, name = 'local'): string {
    const path = join(this.#home, name);
    writeFileSync(path, content);
    return path;
  }

  /** Runs lines until one fails. @returns how the last one ended, and the tree at the end */
  async run(lines: readonly string[], signal?: AbortSignal): Promise<MachineEnd> {
    await using shell = await openShellHere({ home: this.#home, store: this.store, now: this.#now });
    let end: LineEnd = { status: 0, stdout: Buffer.alloc(0), stderr: '' };
    for (const line of lines) {
      end = await shell.run(line, signal);
      if (end.status !== 0) break;
    }
    const dirref = await shell.finish();
    return { ...end, files: await filesOf(shell.session.tree), dirref };
  }

  /** The tree of a Dirref, or of a state of an archive. */
  async opened(source: string): Promise<ModelFiles> {
    await using shell = await openShellHere({ home: this.#home, store: this.store, source, now: this.#now });
    return await filesOf(shell.session.tree);
  }

  /** Lines of its archive. */
  get states(): number {
    const file = join(this.store, 'archives/default.vt');
    return existsSync(file) ? readFileSync(file, 'latin1').split('\n').length - 1 : 0;
  }

  /** The trees of all recorded states. */
  async recorded(): Promise<ModelFiles[]> {
    await using shell = await openShellHere({ home: this.#home, store: this.store, now: this.#now });
    const states: ModelFiles[] = [];
    for await (const { dirent } of shell.session.archive?.entries() ?? []) {
      if (dirent.kind !== 'dir') continue;
      await using tree = openLiveTree(shell.session.store, dirent);
      states.push(await filesOf(tree));
    }
    return states;
  }
}

async function filesOf(tree: Tree): Promise<ModelFiles> {
  const files = new Map<string, ModelFile>();
  for (const line of await treeLines(tree)) {
    const [, kind, mode = '', path = '', content = ''] = /^(\w+) (\d*) (\S+) (".*") \d+ \S*$/s.exec(line) ?? [];
    if (kind === 'file') files.set(path, { content: String(JSON.parse(content)), mode });
  }
  return files;
}
