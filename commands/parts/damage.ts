import { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { isDamage } from '../../core/tree/walk.ts';
import type { CommandContext } from '../command.ts';

/** Adds the damaged path to an error about damage, unless its message has it already. */
export function damageAt(error: unknown, action: string, path: Octets): unknown {
  const shown = octetsToText(path);
  if (!isDamage(error) || error.message.includes(`"${shown}"`)) return error;
  return new VtError(error.code, `${action} "${shown}": ${error.message}`, {
    cause: error,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
  });
}

/** Passes items on, and adds the path to an error about a missing or damaged Block. */
export async function* namingDamage<T>(items: AsyncIterable<T>, action: string, at: Octets | { readonly path: Octets }): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    throw damageAt(error, action, typeof at === 'string' ? at : at.path);
  }
}

/** Collects damage that a walk skips. Each case is reported with its path, and the command fails at its end. */
export class PassedDamage {
  readonly #diagnostics: CommandContext['diagnostics'];
  readonly #action: string;
  #first: VtError | undefined;

  constructor({ diagnostics }: Pick<CommandContext, 'diagnostics'>, action: string) {
    this.#diagnostics = diagnostics;
    this.#action = action;
  }

  /** Passes items on until damage ends them; the damage is reported. */
  async *pass<T>(items: AsyncIterable<T>, at: Octets | { readonly path: Octets }): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      if (!isDamage(error)) throw error;
      const named = damageAt(error, this.#action, typeof at === 'string' ? at : at.path) as VtError;
      this.#first ??= named;
      this.#diagnostics.failure(named);
    }
  }

  /** Ends the command. @throws {VtError} with the code of the first damage, if any: damage has its own exit status */
  throwIfAny(): void {
    if (this.#first === undefined) return;
    throw new VtError(this.#first.code, 'done in part: stored data is missing or damaged', { cause: this.#first });
  }
}
