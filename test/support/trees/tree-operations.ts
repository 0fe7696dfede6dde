import fc from 'fast-check';
import type { Tree } from '../../../core/tree/tree.ts';
import type { ModelTree } from './model-tree.ts';
import { modelPaths } from './model-tree.ts';
import { at, contentOf, octets } from './tree-lines.ts';

// Random operations on trees, and how they are done to a tree and to its model.

const NAMES = ['a', 'b', 'c'] as const;
const TARGETS = ['a', 'b/c', '../b', '/a', '/c/b/a', '.', '..', 'missing', '../../a/b'] as const;
const MODES = [0o644, 0o755, 0o4711, 0o600] as const;

/** Which path an operation takes: mostly of what there is at that moment, so that most operations do something. */
interface PathPick {
  readonly sort: 'dir' | 'leaf' | 'new' | 'any';
  readonly number: number;
  readonly any: string;
}

const anyPath = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`);
const pick = (...sorts: readonly PathPick['sort'][]): fc.Arbitrary<PathPick> =>
  fc.record({ sort: fc.constantFrom(...sorts), number: fc.nat(1000), any: anyPath });
const source = pick('dir', 'dir', 'leaf', 'leaf', 'any');
const target = pick('new', 'new', 'new', 'dir', 'leaf', 'any');
const content = fc.constantFrom('', 'x', 'some words of content', 'z'.repeat(100));
const mode = fc.constantFrom(...MODES);

/** An operation whose paths are yet to be chosen. */
export const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('mkdir' as const), path: target, mode }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('write' as const), path: pick('new', 'new', 'leaf', 'any'), content, mode }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('symlink' as const), path: target, target: fc.constantFrom(...TARGETS) }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('link' as const), path: pick('leaf', 'leaf', 'leaf', 'any'), to: target }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('remove' as const), path: source, recursive: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('rename' as const), path: source, to: target }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('copy' as const), path: source, to: target }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('chmod' as const), path: source, mode }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('rebind' as const), path: source, to: target }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('look' as const), path: pick('any'), follow: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('sync' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('reopen' as const) }) },
);
/** Operations by which Dirs with hard links come to be copied, also into themselves, moved into each other, and linked across copies. */
export const copyOperation: typeof operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constant('copy' as const), path: pick('dir'), to: pick('new') }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('rename' as const), path: pick('dir', 'dir', 'leaf'), to: pick('new') }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('link' as const), path: pick('leaf'), to: pick('new') }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('write' as const), path: pick('leaf', 'leaf', 'new'), content, mode }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('remove' as const), path: source, recursive: fc.constant(true) }) },
);
export type PickedOperation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
type WithPaths<T> = T extends unknown ? { readonly [Key in keyof T]: T[Key] extends PathPick ? string : T[Key] } : never;
/** An operation on paths. */
export type Operation = WithPaths<PickedOperation>;

/** What every run starts from: Dirs within Dirs, hard links across them, and a copy with links of its own. */
export const START: readonly Operation[] = [
  { op: 'mkdir', path: '/a', mode: 0o755 },
  { op: 'mkdir', path: '/a/b', mode: 0o755 },
  { op: 'mkdir', path: '/b', mode: 0o755 },
  { op: 'write', path: '/a/a', content: 'linked', mode: 0o644 },
  { op: 'link', path: '/a/a', to: '/a/b/a' },
  { op: 'link', path: '/a/a', to: '/a/b/b' },
  { op: 'link', path: '/a/a', to: '/b/b' },
  { op: 'copy', path: '/a', to: '/b/c' },
  { op: 'write', path: '/c', content: 'alone', mode: 0o600 },
];

/** Settles which paths an operation takes. */
export function settle(model: ModelTree, step: PickedOperation): Operation {
  const paths = modelPaths(model);
  const chosen = ({ sort, number, any }: PathPick): string => {
    const from = sort === 'leaf' ? paths.leaves : paths.dirs;
    const found = from[number % Math.max(1, from.length)];
    if (sort === 'any' || found === undefined) return any;
    return sort === 'new' ? `${found}/${NAMES[number % NAMES.length] ?? 'a'}` : found === '' ? any : found;
  };
  const settled = Object.entries(step).map(([key, value]) => [key, typeof value === 'object' ? chosen(value) : value]);
  return Object.fromEntries(settled) as Operation;
}

/** Does an operation to a tree; those on the Store and on the session are not its. */
export async function applyToTree(tree: Tree, step: Operation): Promise<unknown> {
  switch (step.op) {
    case 'mkdir':
      return tree.mkdir(at(step.path), { mode: step.mode });
    case 'write':
      return tree.write(at(step.path), contentOf(step.content), { mode: step.mode });
    case 'symlink':
      return tree.symlink(at(step.path), octets(step.target), {});
    case 'link':
      return tree.link(at(step.path), at(step.to));
    case 'remove':
      return tree.remove(at(step.path), { recursive: step.recursive });
    case 'rename':
      return tree.rename(at(step.path), at(step.to));
    case 'copy':
      return tree.copy(at(step.path), at(step.to));
    case 'chmod':
      return tree.setMeta(at(step.path), { mode: step.mode });
    case 'rebind':
      return tree.bind(at(step.to), await tree.dirent(at(step.path)));
    case 'look':
      return (await tree.lookup(at(step.path), { follow: step.follow }))?.dirent.kind;
    default:
      return undefined;
  }
}

/** Does the same to a model. */
export function applyToModel(model: ModelTree, step: Operation): unknown {
  switch (step.op) {
    case 'mkdir':
      return model.mkdir(step.path, step.mode);
    case 'write':
      return model.write(step.path, step.content, step.mode);
    case 'symlink':
      return model.symlink(step.path, step.target);
    case 'link':
      return model.link(step.path, step.to);
    case 'remove':
      return model.remove(step.path, step.recursive);
    case 'rename':
      return model.rename(step.path, step.to);
    case 'copy':
      return model.copy(step.path, step.to);
    case 'chmod':
      return model.setMode(step.path, step.mode);
    case 'rebind':
      return model.rebind(step.path, step.to);
    case 'look':
      return model.lookup(step.path, step.follow)?.kind;
    default:
      return undefined;
  }
}
