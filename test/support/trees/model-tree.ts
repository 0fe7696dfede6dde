// What a tree must do, said again in the plainest way: nodes in Maps, nothing stored. The oracle of the tree suites.

export interface ModelNode {
  readonly kind: 'file' | 'dir' | 'symlink';
  mode: number;
  content: string;
  readonly entries: Map<string, ModelNode>;
}

/** The POSIX name of why the model refuses. */
export class ModelError extends Error {
  readonly errno: string;

  constructor(errno: string) {
    super(errno);
    this.errno = errno;
  }
}

interface Found {
  readonly dirs: readonly ModelNode[];
  readonly parent: ModelNode | undefined;
  readonly name: string;
  readonly node: ModelNode | undefined;
}

function fail(errno: string): never {
  throw new ModelError(errno);
}

function newNode(kind: ModelNode['kind'], mode: number, content = ''): ModelNode {
  return { kind, mode, content, entries: new Map() };
}

/** A tree in memory with the operations of `Tree`, by the same names. */
export class ModelTree {
  readonly root: ModelNode = newNode('dir', 0o755);

  find(path: string, follow: boolean): Found {
    const ahead = path.split('/').filter(Boolean).reverse();
    let dirs: ModelNode[] = [];
    let names: string[] = [];
    let node = this.root;
    let links = 0;
    while (ahead.length > 0) {
      const name = ahead.pop() as string;
      if (node.kind !== 'dir') fail('ENOTDIR');
      if (name === '.') continue;
      if (name === '..') {
        node = dirs.pop() ?? node;
        names.pop();
        continue;
      }
      if (name.length > 255) fail('ENAMETOOLONG');
      const child = node.entries.get(name);
      if (child === undefined) {
        if (ahead.length > 0) fail('ENOENT');
        return { dirs: [...dirs, node], parent: node, name, node: undefined };
      }
      if (child.kind === 'symlink' && (ahead.length > 0 || follow)) {
        if (++links > 40) fail('ELOOP');
        if (child.content.startsWith('/')) {
          node = this.root;
          dirs = [];
          names = [];
        }
        ahead.push(...child.content.split('/').filter(Boolean).reverse());
        continue;
      }
      dirs.push(node);
      names.push(name);
      node = child;
    }
    return { dirs, parent: dirs.at(-1), name: names.at(-1) ?? '', node };
  }

  lookup(path: string, follow: boolean): ModelNode | undefined {
    try {
      return this.find(path, follow).node;
    } catch (error) {
      if (error instanceof ModelError && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  mkdir(path: string, mode: number): void {
    this.#create(path, newNode('dir', mode));
  }

  symlink(path: string, target: string): void {
    this.#create(path, newNode('symlink', 0o777, target));
  }

  write(path: string, content: string, mode: number): void {
    const { parent, name, node } = this.find(path, true);
    if (parent === undefined || node?.kind === 'dir') fail('EISDIR');
    if (node === undefined) parent.entries.set(name, newNode('file', mode, content));
    else node.content = content;
  }

  link(existing: string, path: string): void {
    const from = this.#existing(existing);
    const to = this.find(path, false);
    if (to.parent === undefined || to.node !== undefined) fail('EEXIST');
    if (from.node.kind === 'dir') fail('EPERM');
    to.parent.entries.set(to.name, from.node);
  }

  remove(path: string, recursive: boolean): void {
    const { parent, name, node } = this.#existing(path);
    if (!recursive && node.entries.size > 0) fail('ENOTEMPTY');
    parent.entries.delete(name);
  }

  rename(from: string, to: string): void {
    const source = this.#existing(from);
    const target = this.find(to, false);
    if (target.parent === undefined) fail('ENOTEMPTY');
    if (target.node === source.node) return;
    if (target.dirs.includes(source.node)) fail('EINVAL');
    if (target.node !== undefined && source.dirs.includes(target.node)) fail('ENOTEMPTY');
    this.#checkReplace(source.node, target.node);
    source.parent.entries.delete(source.name);
    target.parent.entries.set(target.name, source.node);
  }

  copy(from: string, to: string): void {
    const { node } = this.find(from, false);
    if (node === undefined) fail('ENOENT');
    const target = this.find(to, false);
    if (target.parent === undefined || target.node === node) fail('EINVAL');
    if (target.dirs.includes(node)) fail('EINVAL');
    this.#checkReplace(node, target.node);
    target.parent.entries.set(target.name, copyNode(node, new Map()));
  }

  setMode(path: string, mode: number): void {
    const { node } = this.find(path, true);
    if (node === undefined) fail('ENOENT');
    node.mode = mode;
  }

  /** `bind` of the Dirent of `from` at `to`. */
  rebind(from: string, to: string): void {
    const { node } = this.find(from, false);
    if (node === undefined) fail('ENOENT');
    const target = this.find(to, false);
    if (target.parent === undefined) fail('EINVAL');
    target.parent.entries.set(target.name, copyNode(node, new Map()));
  }

  #create(path: string, made: ModelNode): void {
    const { parent, name, node } = this.find(path, false);
    if (parent === undefined || node !== undefined) fail('EEXIST');
    parent.entries.set(name, made);
  }

  #existing(path: string): Found & { readonly node: ModelNode; readonly parent: ModelNode } {
    const found = this.find(path, false);
    const { node, parent } = found;
    if (parent === undefined) fail('EINVAL');
    if (node === undefined) fail('ENOENT');
    return { ...found, node, parent };
  }

  #checkReplace(node: ModelNode, target: ModelNode | undefined): void {
    if (target === undefined) return;
    if (target.kind !== 'dir') {
      if (node.kind === 'dir') fail('ENOTDIR');
      return;
    }
    if (node.kind !== 'dir') fail('EISDIR');
    if (target.entries.size > 0) fail('ENOTEMPTY');
  }
}

function copyNode(node: ModelNode, copies: Map<ModelNode, ModelNode>): ModelNode {
  const made = copies.get(node);
  if (made !== undefined) return made;
  const copy = newNode(node.kind, node.mode, node.content);
  copies.set(node, copy);
  for (const [name, child] of node.entries) copy.entries.set(name, copyNode(child, copies));
  return copy;
}

/** One line an entry: kind, mode, path, content, names of the node, and the first of them. */
export function modelLines(model: ModelTree): string[] {
  const names = new Map<ModelNode, string[]>();
  const lines: [string, ModelNode][] = [];
  const visit = (dir: ModelNode, at: string): void => {
    for (const [name, node] of [...dir.entries].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
      const path = `${at}/${name}`;
      lines.push([path, node]);
      names.set(node, [...(names.get(node) ?? []), path]);
      if (node.kind === 'dir') visit(node, path);
    }
  };
  visit(model.root, '');
  return lines.map(([path, node]) => {
    const all = names.get(node) ?? [];
    const mode = node.kind === 'symlink' ? '' : node.mode.toString(8);
    return `${node.kind} ${mode} ${path} ${JSON.stringify(node.content)} ${node.kind === 'dir' ? 1 : all.length} ${all[0] ?? ''}`;
  });
}

/** The paths of all Dirs (the root's is empty), and of all else. */
export function modelPaths(model: ModelTree): { readonly dirs: string[]; readonly leaves: string[] } {
  const dirs = [''];
  const leaves: string[] = [];
  const visit = (dir: ModelNode, at: string): void => {
    for (const [name, node] of dir.entries) {
      (node.kind === 'dir' ? dirs : leaves).push(`${at}/${name}`);
      if (node.kind === 'dir') visit(node, `${at}/${name}`);
    }
  };
  visit(model.root, '');
  return { dirs, leaves };
}
