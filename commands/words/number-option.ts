import type { CommandInput } from '../command.ts';

/** The value of a number option, which its row has checked; undefined where it was not given. */
export function numberOption({ options }: Pick<CommandInput, 'options'>, name: string): number | undefined {
  const value = options.get(name);
  return value === undefined || value === true ? undefined : Number(value);
}
