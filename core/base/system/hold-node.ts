import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { VtError } from '../errors.ts';
import type { Octets } from '../octets.ts';
import { octetsToText } from '../octets.ts';
import { cName } from './at-calls.ts';
import { atCalls } from './choose-at-calls.ts';
import { isSameNode } from './node-stat.ts';
import type { ReachedPath } from './reach-path.ts';
import { reachPath } from './reach-path.ts';
import { pathBytes } from './system-error.ts';

const O_PATH = 0o10000000; // Linux

/** What the system shows of an open directory, as it stands at the start of a path. */
const OPEN_DIRECTORY = /^\/proc\/self\/fd\/\d+(?=\/)/;

/** A node on disk that is held open. */
export interface HeldNode extends Disposable {
  /** Reaches the node itself, whatever its name stands for by now: calls that follow symlinks follow none of it. */
  readonly node: Octets;
  /** Reaches it by its name, in the directory that was found: for calls that follow no symlink. */
  readonly entry: Octets;
}

/**
 * Holds the node at a path in which no element is a symlink, each directory opened from the one above. Whoever swaps one of them, or the node,
 * for something else meanwhile leads nobody elsewhere. Other systems than Linux get the path as it is.
 *
 * @param known - as the node was found before
 * @throws {VtError} EFAILED where it is another one by now; SystemError where there is none
 */
export function holdNode(path: Octets, known: Parameters<typeof isSameNode>[0]): HeldNode {
  if (process.platform !== 'linux') return heldByPath(reachPath(path));
  const start = OPEN_DIRECTORY.exec(path)?.[0] ?? '';
  const names = path.slice(start.length + 1).split('/');
  const last = names.pop() ?? '';
  let directory = openSync(pathBytes((start === '' ? '/' : start) as Octets), O_PATH | constants.O_DIRECTORY);
  let node: number | undefined;
  try {
    for (const name of names) {
      const below = atCalls().open(directory, cName(name as Octets), 'node');
      closeSync(directory);
      directory = below;
    }
    node = last === '' ? openSync('/', O_PATH) : atCalls().open(directory, cName(last as Octets), 'node');
    if (!isSameNode(fstatSync(node, { bigint: true }), known))
      throw new VtError('EFAILED', `change "${octetsToText(path)}": it was replaced meanwhile`);
  } catch (error) {
    closeSync(directory);
    if (node !== undefined) closeSync(node);
    throw error;
  }
  const fds = [node, directory];
  return {
    node: `/proc/self/fd/${node}` as Octets,
    entry: (last === '' ? '/' : `/proc/self/fd/${directory}/${last}`) as Octets,
    [Symbol.dispose]() {
      for (const fd of fds) closeSync(fd);
    },
  };
}

function heldByPath(reached: ReachedPath): HeldNode {
  return { node: reached.path, entry: reached.path, [Symbol.dispose]: () => reached[Symbol.dispose]() };
}
