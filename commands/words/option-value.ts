import { UsageError } from '../../core/base/errors.ts';
import type { OptionSpec } from './option-spec.ts';

/** How the error of a value is reported. */
export interface ValueRules<T extends string> {
  readonly remedy?: string;
  /** Text as messages show it. */
  readonly show?: (text: T) => string;
}

/**
 * Checks a value against the row of its option.
 *
 * @param shown - the option as messages name it: `option --lines`
 * @throws {UsageError} for a value that is not one of the choices, or not a number in the range
 */
export function checkValue<T extends string>(shown: string, { value }: OptionSpec, text: T, { remedy, show }: ValueRules<T> = {}): void {
  const refused = (expected: string): UsageError =>
    new UsageError(`${shown}: expected ${expected}, got "${show?.(text) ?? text}"`, remedy === undefined ? {} : { remedy });
  if (value?.choices !== undefined && !value.choices.includes(text)) throw refused(choicesText(value.choices));
  if (value?.kind !== 'number') return;
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = value;
  const number = Number(text);
  if (!/^[+-]?\d+$/.test(text) || number < min || number > max) throw refused(`a number${rangeText(value.min, value.max)}`);
}

/** `names, numeric or none`. */
function choicesText(choices: readonly string[]): string {
  return [choices.slice(0, -1).join(', '), ...choices.slice(-1)].filter((part) => part !== '').join(' or ');
}

function rangeText(min: number | undefined, max: number | undefined): string {
  if (min === undefined) return max === undefined ? '' : ` of at most ${max}`;
  return max === undefined ? ` of ${min} or more` : ` of ${min} to ${max}`;
}
