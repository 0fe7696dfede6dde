import { ConnectionLostError, MissingBlockError, UsageError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import type { Peer } from '../../../core/openers/peer-table.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import type { CommandContext } from '../../command.ts';
import type { ArgumentSpec } from '../../words/argument-spec.ts';
import { numberOption } from '../../words/number-option.ts';
import type { OptionSpec } from '../../words/option-spec.ts';
import { forEachItem } from '../each.ts';
import { pathArgument, requireEntry } from '../entry.ts';
import type { Exchange } from './exchange.ts';
import { exchangeAll } from './exchange-all.ts';
import type { Direction, How } from './move-blocks.ts';
import { transferOne } from './move-blocks.ts';
import { openPeer } from './open-peer.ts';

// Common parts of pull and push.

const MAX_PARALLEL = 64;
/** Milliseconds after which a peer counts as slow to reach: meanwhile our own Store is opened. */
const REACHED_MS = 20;

/** The arguments of pull and push. */
export const TRANSFER_ARGS: readonly ArgumentSpec[] = [
  {
    name: 'name',
    kind: 'stored',
    summary: 'archives; default: the open one; with --blocks-only, paths',
    optional: true,
    repeat: true,
  },
];

/** The common options of pull and push. */
export const TRANSFER_OPTIONS: readonly OptionSpec[] = [
  { name: 'plan', short: 'n', aliases: ['dry-run'], summary: 'print what is missing, and move nothing' },
  {
    name: 'peer',
    short: 'p',
    value: { name: 'PEER', kind: 'peer' },
    summary: 'the name of a peer, or any Store, opened for this command; default: the only peer',
  },
  { name: 'blocks-only', short: 'b', summary: 'move the Blocks of the paths NAME, and record nothing' },
  { name: 'dirs-only', short: 'd', summary: 'move only the Dirs of the paths NAME, without the contents of files' },
  { name: 'breadth-first', summary: 'search level by level rather than branch by branch' },
  { name: 'recheck', summary: 'search also below Dirs that are noted as complete' },
  { name: 'transition', summary: 'convert the states if the peer has another hash function' },
  {
    name: 'jobs',
    short: 'j',
    value: { name: 'N', kind: 'number', min: 1, max: MAX_PARALLEL },
    summary: 'send N batches of 1 MiB at a time; default 8',
  },
  { name: 'limit-rate', value: { name: 'RATE', kind: 'text' }, summary: 'move at most RATE bytes a second: 500k, 2M' },
];

/** Runs pull or push: moves states of archives, or with `--blocks-only` the Blocks of paths. */
export async function transferPaths(
  context: CommandContext,
  direction: Direction,
  args: readonly Octets[],
  options: ReadonlyMap<string, true | Octets>,
): Promise<void> {
  const { session } = context;
  const plan = context.plan || options.has('plan');
  const parallel = numberOption({ options }, 'jobs');
  const bytesPerSecond = rateOf(options.get('limit-rate'), direction);
  const reached = openPeer(context, direction, options.get('peer'), options.has('create'));
  const { peer, isOurs } = await meanwhile(reached, async () => {
    await Promise.all([session.store.has([]), import('../../../core/sync/sync-process.ts')]);
  });
  try {
    const how: How = {
      plan,
      contents: !options.has('dirs-only'),
      order: options.has('breadth-first') ? 'breadth' : 'depth',
      recheck: options.has('recheck'),
      parallel,
      bytesPerSecond,
    };
    const isRenamed = requireNames(context, direction, peer, options);
    if (movesStates(context, options)) {
      const exchange = { direction, peer, how, isVerbose: options.has('verbose') };
      const move = async (made: Exchange): Promise<void> => await exchangeAll(context, made, args, options.has('all'));
      if (!isRenamed) await move(exchange);
      else await (await import('./renamed-exchange.ts')).withRenamed(context, exchange, move);
      return;
    }
    let lost: ConnectionLostError | undefined;
    await forEachItem(context, args.length === 0 ? ['.' as Octets] : args, async (argument) => {
      // A lost connection concerns all paths.
      if (lost !== undefined) throw lost;
      const path = pathArgument(session, argument);
      try {
        await transferOne(context, direction, peer, { path, dirent: await direntAt(context, direction, path) }, how);
      } catch (error) {
        if (error instanceof ConnectionLostError) lost = error;
        throw error;
      }
    });
  } finally {
    if (isOurs) await peer.store[Symbol.asyncDispose]();
  }
}

/** Whether states are moved, not only Blocks. For a tree that was opened by a Dirref, only Blocks are fetched. */
function movesStates({ session }: CommandContext, options: ReadonlyMap<string, true | Octets>): boolean {
  if (options.has('blocks-only') || options.has('dirs-only')) return false;
  return options.has('all') || (session.archive !== undefined && !session.isReference);
}

/**
 * Whether states must be converted to another hash function.
 *
 * @throws {VtError} EUNSUPPORTED if the hash functions differ and `--transition` was not given, or cannot apply
 */
function requireNames(
  { session }: CommandContext,
  direction: Direction,
  { name, store }: Peer,
  options: ReadonlyMap<string, true | Octets>,
): boolean {
  if (store.hashName === session.store.hashName) return false;
  const ways = direction === 'push' ? [session.store.hashName, store.hashName] : [store.hashName, session.store.hashName];
  if (!options.has('transition'))
    throw new VtError(
      'EUNSUPPORTED',
      `${direction}: "${name}" has hash function ${store.hashName}, and "${session.store.name}" has ${session.store.hashName}`,
      {
        remedy: `${direction} --transition converts the newest state`,
      },
    );
  if (options.has('all') || options.has('blocks-only') || options.has('dirs-only') || session.archive === undefined || session.isReference)
    throw new VtError('EUNSUPPORTED', `${direction} --transition: moves only the newest states of archives, from ${ways.join(' to ')}`, {
      remedy: 'the command transition copies all states, or one reference',
    });
  return true;
}

/** Runs optional work while a slow peer is being reached; its errors are ignored, since it is done again later. */
async function meanwhile<T>(reached: Promise<T>, work: () => Promise<void>): Promise<T> {
  const timer = setTimeout(() => void work().catch(() => undefined), REACHED_MS);
  try {
    return await reached;
  } finally {
    clearTimeout(timer);
  }
}

/** The self-contained Dirent of a path; for an incomplete one in a pull, as its Dir has it. */
async function direntAt({ session, signal }: CommandContext, direction: Direction, path: TreePath): Promise<Dirent> {
  const entry = await requireEntry(session.tree, path, direction, { follow: false, signal }).catch((error: unknown) => {
    if (!(error instanceof MissingBlockError) || direction === 'push') throw error;
    const remedy = 'pull the Dir above it first; with -d without the contents of files';
    throw new VtError('EMISSING', `${direction} "${octetsToText(path)}": ${error.message}`, { cause: error, remedy });
  });
  try {
    return await session.tree.dirent(path, { signal });
  } catch (error) {
    if (direction === 'pull' && error instanceof MissingBlockError) return entry.dirent;
    throw error;
  }
}

function rateOf(word: true | Octets | undefined, direction: Direction): number | undefined {
  if (word === undefined) return undefined;
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([kmgKMG]?)$/.exec(String(word)) ?? [];
  const rate = Number(number || Number.NaN) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase());
  if (!(rate > 0)) throw new UsageError(`${direction} --limit-rate "${word}": expected bytes a second, such as 500k or 2M`);
  return rate;
}
