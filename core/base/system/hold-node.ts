import type { BigIntStats } from 'node:fs';
import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
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

/** The start of a path that begins at an open descriptor. */
const OPEN_DIRECTORY = /^\/proc\/self\/fd\/\d+(?=\/)/;

/** A node on disk that is held open. */
export interface HeldNode extends Disposable {
  /**
   * A path to the open node itself, even if its name now means another. For calls that follow symlinks; the node itself is not followed.
   */
  readonly node: Octets;
  /** A path to its name, in the directory that was found. For calls that do not follow symlinks. */
  readonly entry: Octets;
  readonly stat: BigIntStats;
}

type KnownNode = Parameters<typeof isSameNode>[0];

/** Whether the system can hold a node open without reading it, and offers a path to it. */
export const CAN_HOLD = process.platform === 'linux';

/**
 * Opens the node at a path in which no element is a symlink, each directory from its parent. So nobody can redirect us by replacing one of
 * them, or the node. On systems other than Linux, the path is used unchanged.
 *
 * @param known - the node that was found there earlier
 * @throws {VtError} EFAILED if it has been replaced; SystemError if it does not exist
 */
export function holdNode(path: Octets, known: KnownNode): HeldNode {
  if (!CAN_HOLD) return checked(heldByPath(reachPath(path)), path, known);
  const start = OPEN_DIRECTORY.exec(path)?.[0] ?? '';
  const top = openSync(pathBytes((start === '' ? '/' : start) as Octets), O_PATH | constants.O_DIRECTORY);
  return checked(descend(top, (start === '' ? '/' : start) as Octets, path.slice(start.length + 1) as Octets), path, known);
}

/**
 * Opens a node below an upper node, or the upper node itself. Symlinks on the path of the upper node are followed; below it none are.
 *
 * @param known - the upper node that was found there earlier
 * @param below - names separated by slashes; empty for the upper node itself
 * @throws {VtError} EFAILED if the upper node has been replaced; SystemError if it does not exist
 */
export function holdBelow(path: Octets, known: KnownNode, below: Octets): HeldNode {
  if (!CAN_HOLD) return heldByPath(reachPath((below === '' ? path : `${path}/${below}`) as Octets));
  using reached = reachPath(path);
  const top = openSync(reached.bytes, O_PATH | constants.O_NOFOLLOW);
  if (isSameNode(fstatSync(top, { bigint: true }), known)) return descend(top, path, below);
  closeSync(top);
  throw replaced(path);
}

/** Opens `below` from an open node, and takes over its descriptor. */
function descend(top: number, path: Octets, below: Octets): HeldNode {
  const names = below === '' ? [] : below.split('/');
  const last = names.pop();
  let directory = top;
  let node: number | undefined;
  try {
    for (const name of names) {
      const inner = atCalls().open(directory, cName(name as Octets), 'node');
      closeSync(directory);
      directory = inner;
    }
    node = last === undefined ? undefined : atCalls().open(directory, cName(last as Octets), 'node');
    const held = node ?? directory;
    const fds = node === undefined ? [directory] : [node, directory];
    return {
      node: `/proc/self/fd/${held}` as Octets,
      entry: (last === undefined ? path : `/proc/self/fd/${directory}/${last}`) as Octets,
      stat: fstatSync(held, { bigint: true }),
      [Symbol.dispose]() {
        for (const fd of fds) closeSync(fd);
      },
    };
  } catch (error) {
    closeSync(directory);
    if (node !== undefined) closeSync(node);
    throw error;
  }
}

function checked(held: HeldNode, path: Octets, known: KnownNode): HeldNode {
  if (isSameNode(held.stat, known)) return held;
  held[Symbol.dispose]();
  throw replaced(path);
}

function replaced(path: Octets): VtError {
  return new VtError('EFAILED', `"${octetsToText(path)}": it was replaced meanwhile`);
}

function heldByPath(reached: ReachedPath): HeldNode {
  const stat = lstatSync(reached.bytes, { bigint: true });
  return { node: reached.path, entry: reached.path, stat, [Symbol.dispose]: () => reached[Symbol.dispose]() };
}
