import type { Octets } from '../../../core/base/octets.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { formatDirent, parseDirent } from '../../../core/dirent/dirent-text.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import type { Tree } from '../../../core/tree/tree.ts';

/** Every entry of a tree in the form of `modelLines`: to compare the two. */
export async function treeLines(tree: Tree): Promise<string[]> {
  const lines: string[] = [];
  const first = new Map<number, string>();
  const ahead: { readonly path: TreePath }[] = [{ path: '/' as TreePath }];
  for (let step = ahead.pop(); step !== undefined; step = ahead.pop()) {
    if (step.path !== '/') {
      const entry = await tree.lookup(step.path, { follow: false });
      if (entry === undefined) throw new Error(`list: "${step.path}" is listed and not found`);
      const { kind, meta } = entry.dirent;
      if (!first.has(entry.id)) first.set(entry.id, step.path);
      const content = kind === 'file' ? await readText(tree, step.path) : kind === 'symlink' ? await tree.readlink(step.path) : '';
      if (kind === 'file' && content.length !== entry.size)
        throw new Error(`look up "${step.path}": size ${entry.size}, content ${content.length}`);
      const mode = kind === 'symlink' ? '' : (meta.mode ?? 0o644).toString(8);
      lines.push(`${kind} ${mode} ${step.path} ${JSON.stringify(content)} ${entry.nlink} ${first.get(entry.id) ?? ''}`);
      if (kind !== 'dir') continue;
    }
    const children: TreePath[] = [];
    for await (const child of tree.list(step.path)) children.push(child.path);
    for (const path of children.reverse()) ahead.push({ path });
  }
  return lines;
}

/** A file's content, one char an octet. */
export async function readText(tree: Tree, path: TreePath): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of tree.read(path)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks).toString('latin1');
}

/** Content for `write`. */
export async function* contentOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text, 'latin1');
}

/** A literal as a path. */
export function at(path: string): TreePath {
  return path as TreePath;
}

/** A literal as a name or target. */
export function octets(text: string): Octets {
  return text as Octets;
}

/** Syncs a tree, and gives its root from the text that a user would paste. */
export async function recitedRoot(tree: Tree): Promise<DirDirent> {
  const dirent = parseDirent(formatDirent(await tree.sync()));
  if (dirent.kind !== 'dir') throw new Error(`sync: the root is a ${dirent.kind}`);
  return dirent;
}
