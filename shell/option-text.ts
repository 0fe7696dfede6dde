import { type OptionSpec, valueName } from '../commands/words/option-spec.ts';

/** An option as help shows it: `-n, --lines=N`. */
export function optionText({ short = '', alsoShort = '', name, value }: OptionSpec): string {
  const letters = [...short, ...alsoShort].map((letter) => `-${letter}, `).join('');
  return `${letters}--${name}${valueText(value)}`;
}

/** An option of a list, as help shows it: `sync=SECONDS`, `exec, noexec`. */
export function listedOptionText({ name, negatable, value }: OptionSpec): string {
  return `${name}${negatable === true ? `, no${name}` : ''}${valueText(value)}`;
}

function valueText(value: OptionSpec['value']): string {
  if (value === undefined) return '';
  return value.bare === undefined ? `=${valueName(value)}` : `[=${valueName(value)}]`;
}
