import { parseArgs } from 'node:util';

/** What a script of the long runs was told on its command line. */
export interface ScriptArguments<Name extends string> {
  readonly values: Readonly<Partial<Record<Name, string>>>;
  /** A number of an option, or undefined if it was not given. Ends the script with 2 where it is none. @param least - the smallest allowed */
  readonly number: (name: Name, least: number) => number | undefined;
  /** Names of a list with commas, each one of `known`; undefined if it was not given. Ends the script with 2 otherwise. */
  readonly names: (name: Name, known: readonly string[]) => readonly string[] | undefined;
}

/**
 * Reads the command line of a script. `--help` prints its usage and help, and ends it with 0. An unknown option ends it with
 * 2 and one line: what is wrong, and the usage.
 *
 * @param usage - one line: the command and its options
 * @param options - names of the options, each of which takes a value
 * @param help - lines that `--help` prints after the usage
 */
export function scriptArguments<Name extends string>(
  usage: string,
  options: readonly Name[],
  help: readonly string[] = [],
): ScriptArguments<Name> {
  const refuse = (reason: string): never => {
    process.stderr.write(`${reason}; usage: ${usage}\n`);
    process.exit(2);
  };
  const read = (): Readonly<Record<string, string | boolean | undefined>> => {
    try {
      const known = Object.fromEntries(options.map((name) => [name, { type: 'string' as const }]));
      return parseArgs({ options: { ...known, help: { type: 'boolean' as const } } }).values;
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error));
    }
  };
  const given = read();
  if (given['help'] === true) {
    process.stdout.write(`${[usage, ...help].join('\n')}\n`);
    process.exit(0);
  }
  const values: Partial<Record<Name, string>> = {};
  for (const name of options) {
    const value = given[name];
    if (typeof value === 'string') values[name] = value;
  }
  return {
    values,
    number: (name, least) => {
      const text = values[name];
      if (text === undefined) return undefined;
      const value = Number(text);
      return text.trim() !== '' && Number.isSafeInteger(value) && value >= least
        ? value
        : refuse(`--${name}=${text}: expected a whole number of ${least} or more`);
    },
    names: (name, known) => {
      const list = values[name]?.split(',');
      const unknown = list?.find((entry) => !known.includes(entry));
      return unknown === undefined ? list : refuse(`--${name}: there is no "${unknown}" among ${known.join(', ')}`);
    },
  };
}
