import type { Stats } from 'node:fs';
import { statSync } from 'node:fs';
import { PathError, UsageError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText, octetsToText, octetsToTextStrict } from '../../../core/base/octets.ts';
import { systemOwnerNames } from '../../../core/base/system/owner-names.ts';
import { pathBytes } from '../../../core/base/system/system-error.ts';
import { isUnsafe } from '../../../core/base/unsafe-text.ts';
import { sameBlock } from '../../../core/block/block.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { sameOptionalBlock } from '../../../core/dirent/dirent-compare.ts';
import { skipReference, URI_SCHEME } from '../../../core/dirent/reference-skip.ts';
import type { DiffSide } from '../../../core/tree/diff/diff.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { baseName, ROOT_PATH } from '../../../core/tree/path.ts';
import type { Tree } from '../../../core/tree/tree.ts';
import type { TreeContext } from '../../command.ts';
import type { LocalSession } from '../../session.ts';
import { findEntry, pathArgument } from '../entry.ts';
import { expandHome, resolveLocalPath } from '../local-path.ts';
import { localSession } from '../local-session.ts';
import { statePair } from './state-pair.ts';

/** One of the two compared sides. */
export interface NamedSide {
  readonly side: DiffSide;
  /** Label in the output: the typed word, or the state. */
  readonly label: string;
  /** Path of its top in the session's tree; undefined for another tree. */
  readonly path: TreePath | undefined;
  /** Whether it is a local file or directory: then only metadata that both sides have is compared. */
  readonly isLocal: boolean;
}

export interface NamedSides {
  readonly before: NamedSide;
  readonly after: NamedSide;
}

/** Prefix that marks a word as a local path. */
const LOCAL_SCHEME = 'file:';

/**
 * Calls `use` with the two sides that the arguments of diff name, then closes what it opened. With one path or none, the tree is compared
 * with its previous state.
 */
export async function withSides<T>(
  context: TreeContext,
  action: string,
  args: readonly Octets[],
  use: (sides: NamedSides) => Promise<T>,
): Promise<T> {
  const opened: AsyncDisposable[] = [];
  try {
    return await use(await openSides(context, action, args, opened));
  } finally {
    for (const resource of opened.reverse()) await resource[Symbol.asyncDispose]();
  }
}

async function openSides(context: TreeContext, action: string, args: readonly Octets[], opened: AsyncDisposable[]): Promise<NamedSides> {
  const open = async (word: Octets): Promise<NamedSide> => await openSide(context, action, word, opened);
  const [first, second] = args.length === 1 ? await pairOf(context, args) : args;
  if (first !== undefined && second !== undefined) return { before: await open(first), after: await open(second) };
  const given = first === undefined ? undefined : await open(first);
  const { session, signal } = context;
  if (given?.isLocal === true) return { before: await storedSide(session.tree, session.cwd, 'now', signal), after: given };
  const path = given?.path ?? session.cwd;
  const isOther = given !== undefined && (given.path === undefined || given.label.includes('@'));
  const after = isOther ? await presentSide(context, path) : (given ?? (await presentSide(context, path)));
  return { before: isOther ? given : await sideBefore(context, action, path, opened), after };
}

/** Splits `PATH@A..@B` into two arguments, unless the tree has an entry of exactly that name. */
async function pairOf({ session, signal }: TreeContext, args: readonly Octets[]): Promise<readonly Octets[]> {
  const [word] = args;
  const pair = word === undefined ? undefined : statePair(word);
  if (word === undefined || pair === undefined) return args;
  if ((await session.tree.lookup(pathArgument(session, word), { follow: false, signal })) !== undefined) return args;
  const { name, first, last } = pair;
  return [`${name}@${first}` as Octets, ...(last === '' ? [] : [`${name}@${last}` as Octets])];
}

async function presentSide({ session, local, signal }: TreeContext, path: TreePath): Promise<NamedSide> {
  return await storedSide(session.tree, path, local?.view ?? 'now', signal);
}

/** A path in the previous state: the last recorded one if something changed since, else the one before it. */
async function sideBefore(
  { session, local, signal }: TreeContext,
  action: string,
  path: TreePath,
  opened: AsyncDisposable[],
): Promise<NamedSide> {
  const { archive } = session;
  if (archive === undefined)
    throw new VtError('EFAILED', `${action}: "${session.tree.name}" has no earlier states`, { remedy: 'name two things to compare' });
  const newest = await archive.last({ signal });
  const view = local?.view;
  // The number of the shown state; a changed tree counts as the state after the newest.
  const isRecorded = newest !== undefined && sameTree(newest.dirent, await session.tree.dirent(ROOT_PATH, { signal }));
  const shown = view === undefined ? (newest?.number ?? 0) + (isRecorded ? 0 : 1) : Number(view.replace('@', ''));
  const number = shown - 1;
  const nothing = { side: { top: undefined, source: session.tree.store }, label: '@0', path, isLocal: false };
  if (number < 1) return nothing;
  const state = await session.stateAt(String(number), signal);
  opened.push(state.tree);
  if ((await state.tree.lookup(path, { follow: false, signal })) === undefined) return { ...nothing, label: state.view };
  return await storedSide(state.tree, path, state.view, signal);
}

function sameTree(a: Dirent, b: Dirent): boolean {
  return a.kind === 'dir' && b.kind === 'dir' && sameBlock(a.block, b.block) && sameOptionalBlock(a.inodes, b.inodes);
}

async function storedSide(tree: Tree, path: TreePath, label: string, signal: AbortSignal): Promise<NamedSide> {
  return { side: { top: await tree.dirent(path, { signal }), source: tree.store }, label, path, isLocal: false };
}

async function openSide(context: TreeContext, action: string, word: Octets, opened: AsyncDisposable[]): Promise<NamedSide> {
  const { session, signal } = context;
  const label = octetsToText(word);
  if (word.startsWith(URI_SCHEME) || skipReference(word, 0) === word.length) {
    const [{ parseTypedReference }, { direntOfReference }, { otherNameText }] = await Promise.all([
      import('../../../core/dirent/reference.ts'),
      import('../../../core/tree/reference-dirent.ts'),
      import('../../../core/tree/other-names.ts'),
    ]);
    const onOtherName = (known: Dirent): void => context.diagnostics.warn(otherNameText(known));
    const { store } = session.tree;
    return {
      side: { top: await direntOfReference(store, parseTypedReference(label), { onOtherName, signal }), source: store },
      label: `${label.slice(0, 40)}…`,
      path: undefined,
      isLocal: false,
    };
  }
  if (word.startsWith(LOCAL_SCHEME) && !word.endsWith('.vtd')) return await openLocal(context, action, word);
  const isSpecification = /^(?:[a-z][a-z0-9+-]*:|\[)/i.test(word);
  if (!isSpecification || (await session.tree.lookup(pathArgument(session, word), { signal })) !== undefined) {
    try {
      const found = await findEntry(session, word, action, { follow: false, signal });
      opened.push(found);
      const isPast = found.tree !== session.tree;
      return await storedSide(found.tree, found.path, isPast ? label : (context.local?.view ?? 'now'), signal);
    } catch (error) {
      const isAbsent = error instanceof PathError && error.errno === 'ENOENT';
      if (!isAbsent || context.local === undefined || localStat(context.local, word) === undefined) throw error;
    }
  }
  const other = await localSession(context, `${action} "${label}"`).openOther(word, signal);
  opened.push(other);
  if (other.isDirectory) throw new UsageError(`${action} "${label}": it is an ordinary directory`, { remedy: `name it file:${label}` });
  const top = await other.tree.dirent(other.start, { signal });
  return { side: { top, source: other.store }, label, path: undefined, isLocal: false };
}

/** The stat of a word as a local path, with or without the state that it names. */
function localStat({ localCwd }: LocalSession, word: Octets): Stats | undefined {
  const at = word.lastIndexOf('@');
  for (const path of [word, ...(at > 0 ? [word.slice(0, at) as Octets] : [])]) {
    const found = statSync(pathBytes(resolveLocalPath(localCwd, path)), { throwIfNoEntry: false });
    if (found !== undefined) return found;
  }
  return undefined;
}

async function openLocal(context: TreeContext, action: string, word: Octets): Promise<NamedSide> {
  const { localCwd } = localSession(context, `${action} "${octetsToText(word)}"`);
  const [{ localSide }, { localNode }] = await Promise.all([
    import('../../../core/tree/diff/local-side.ts'),
    import('../../../core/tree/local/local-node.ts'),
  ]);
  const home = octetsFromText(context.shell.env['HOME'] ?? '');
  const path = resolveLocalPath(localCwd, expandHome(word.slice(LOCAL_SCHEME.length) as Octets, home));
  const node = localNode(path);
  if (node === undefined) throw new PathError('ENOENT', `${action} local`, path);
  return { side: localSide(path, node, systemOwnerNames()), label: octetsToText(word), path: undefined, isLocal: true };
}

/** The path from which differences are reported: that of the compared part of the session's tree, else the root. */
export function shownTop({ before, after }: NamedSides): TreePath {
  return after.path ?? before.path ?? ROOT_PATH;
}

/** The name of a file in the head of a patch; quoted as by GNU diff and git if it has control characters, quotes or backslashes. */
export function patchName(prefix: 'a' | 'b', path: TreePath): Octets {
  const name = `${prefix}${path === ROOT_PATH ? `/${baseName(path) || 'content'}` : path}` as Octets;
  const text = octetsToTextStrict(name);
  if (text !== undefined && !isUnsafe(text) && !/["\\]/.test(text)) return name;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
  const unsafe = text === undefined || isUnsafe(text) ? /[\x00-\x1f"\\\x7f-\xff]/g : /["\\]/g;
  return `"${name.replace(unsafe, (octet) => `\\${octet.charCodeAt(0).toString(8).padStart(3, '0')}`)}"` as Octets;
}
