import type { Octets } from '../../core/base/octets.ts';
import type { ArgumentKind } from './argument-spec.ts';

/**
 * An option of the program, of a command, of `mount -o`, or a setting: one row. Reading, checks, help, completion and man page
 * come from it.
 */
export interface OptionSpec {
  /** Long name, without dashes: `recursive`. */
  readonly name: string;
  /** One letter: `r`. */
  readonly short?: string;
  /** More letters for the same: `R`. */
  readonly alsoShort?: string;
  readonly aliases?: readonly string[];
  readonly value?: OptionValue;
  /** May be repeated: each use counts, in order. Otherwise only the last use counts. */
  readonly repeat?: boolean;
  /** In a list of options, `no` before the name negates it: `exec`, `noexec`. */
  readonly negatable?: boolean;
  readonly summary: string;
}

/** The value of an option. */
export interface OptionValue {
  readonly kind: ArgumentKind;
  /** A placeholder in capitals: `FILE`. Default: the choices. */
  readonly name?: string;
  /** The only values that it accepts. */
  readonly choices?: readonly string[];
  /** The smallest number, inclusive. */
  readonly min?: number;
  /** The largest number, inclusive. */
  readonly max?: number;
  /** What the option means without a value: then a value is in the same word, `--color=never`. */
  readonly bare?: string;
  /** It takes a list of these, with commas between them. */
  readonly options?: readonly OptionSpec[];
}

/** One use of an option. */
export interface OptionUse<Value = true | Octets> {
  /** Its long name. */
  readonly name: string;
  readonly value: Value;
}

/** The value as help shows it: a placeholder, or the choices. */
export function valueName({ name, choices = [] }: OptionValue): string {
  return name ?? choices.join('|');
}

/** The option of a name or an alias. */
export function optionNamed(specs: readonly OptionSpec[], name: string): OptionSpec | undefined {
  return specs.find((spec) => spec.name === name || spec.aliases?.includes(name) === true);
}

/** Every name that an option of a list can be called by, but for letters. */
export function optionNames(specs: readonly OptionSpec[]): string[] {
  return specs.flatMap(({ name, aliases = [], negatable }) => [name, ...aliases, ...(negatable === true ? [`no${name}`] : [])]);
}
