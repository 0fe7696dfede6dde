import { UsageError } from '../../core/base/errors.ts';
import type { OptionSpec, OptionUse } from './option-spec.ts';
import { optionNamed, optionNames } from './option-spec.ts';
import { checkValue } from './option-value.ts';
import { suggest } from './suggest.ts';

/**
 * Reads options with commas between them, as `mount -o` has them: `ro,noexec,sync=5`.
 *
 * @param shown - what takes them, as messages name it: `mount -o`
 * @param remedy - what the error of an unknown option says to do
 * @returns each use, in order: false where `no` is before the name
 * @throws {UsageError} for an option unknown, without its value, or with one that it does not take
 */
export function readOptionList(shown: string, specs: readonly OptionSpec[], text: string, remedy: string): OptionUse<boolean | string>[] {
  return text
    .split(',')
    .filter((word) => word !== '')
    .map((word) => readListed(shown, specs, word, remedy));
}

function readListed(shown: string, specs: readonly OptionSpec[], word: string, remedy: string): OptionUse<boolean | string> {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const plain = optionNamed(specs, name);
  const reverse = plain === undefined && name.startsWith('no') ? optionNamed(specs, name.slice(2)) : undefined;
  const spec = plain ?? (reverse?.negatable === true ? reverse : undefined);
  const option = `${shown} ${name}`;
  if (spec === undefined) {
    const [near] = suggest(name, optionNames(specs));
    throw new UsageError(`${option}: unknown option`, { remedy: near === undefined ? remedy : `did you mean ${near}?` });
  }
  if (equals >= 0 && spec.value === undefined) throw new UsageError(`${option}: takes no value`);
  if (spec.value === undefined) return { name: spec.name, value: plain !== undefined };
  const value = word.slice(equals + 1);
  if (equals < 0 || value === '') throw new UsageError(`${option}: expected ${name}=VALUE`);
  checkValue(option, spec, value);
  return { name: spec.name, value };
}
