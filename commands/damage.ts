import { VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsToText } from '../core/base/octets.ts';

/** Whether an error tells of a Block that is missing or damaged. */
export function isDamage(error: unknown): error is VtError {
  return error instanceof VtError && (error.code === 'EMISSING' || error.code === 'ECORRUPT');
}

/** The error with the path that the damage harms, unless its message has it already. */
export function damageAt(error: unknown, action: string, path: Octets): unknown {
  const shown = octetsToText(path);
  if (!isDamage(error) || error.message.includes(`"${shown}"`)) return error;
  return new VtError(error.code, `${action} "${shown}": ${error.message}`, {
    cause: error,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
  });
}

/** What a path gives, with the path in the error of a Block that is missing or damaged. */
export async function* namingDamage<T>(items: AsyncIterable<T>, action: string, path: Octets): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    throw damageAt(error, action, path);
  }
}
