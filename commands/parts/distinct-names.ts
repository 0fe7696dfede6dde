import { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { CommandContext } from '../command.ts';

/** A source, and the path that it is to get. */
export interface SourceAndTarget {
  /** As it was named, without what makes no difference. */
  readonly source: Octets;
  readonly target: Octets;
}

/**
 * Leaves out sources that were named twice, with a warning.
 *
 * @throws {VtError} EFAILED where two sources would get one path: then nothing is done, for the second would replace the first
 */
export function distinctNames<T extends SourceAndTarget>(
  context: Pick<CommandContext, 'diagnostics'>,
  verb: string,
  pairs: readonly T[],
): T[] {
  const sources = new Map<Octets, Octets>();
  return pairs.filter(({ source, target }) => {
    const other = sources.get(target);
    if (other === undefined) {
      sources.set(target, source);
      return true;
    }
    const [first, second, path] = [other, source, target].map(octetsToText);
    if (first !== second)
      throw new VtError('EFAILED', `${verb}: "${first}" and "${second}" would both become "${path}"; nothing was done`, {
        remedy: 'use one command for each',
      });
    context.diagnostics.warn(`${verb}: "${first}" is named twice`);
    return false;
  });
}
