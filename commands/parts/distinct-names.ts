import { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { CommandContext } from '../command.ts';

/** A source and its target path. */
export interface SourceAndTarget {
  /** As the user named it, normalised. */
  readonly source: Octets;
  readonly target: Octets;
}

/**
 * Drops sources that are named twice, with a warning.
 *
 * @param verb - for messages: `put`
 * @throws {VtError} EFAILED if two sources have the same target: the second would replace the first
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
