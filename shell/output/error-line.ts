import type { ErrorParts } from '../../core/base/error-parts.ts';
import { errorParts, messageParts } from '../../core/base/error-parts.ts';
import { VtError } from '../../core/base/errors.ts';

/** The command that an error ended: how it was called first, then its other names. */
export type CommandNames = readonly string[];

/** Who speaks where no command does. */
const PROGRAM: CommandNames = ['vtftp'];

/** An error as a user reads it. */
export interface ErrorLine {
  /** The command that was typed, or the program. */
  readonly command: string;
  /** The thing and the fact, without the command and without the remedy. */
  readonly text: string;
}

/**
 * Composes what a user reads: the command that was typed, then the thing, then the fact. Every error line of the program
 * comes from here, whatever order its message has.
 *
 * @param error - an error, or the message of one
 * @param names - the command it comes from; none where the program itself failed
 */
export function errorLine(error: unknown, names: CommandNames = PROGRAM): ErrorLine {
  const [command = 'vtftp'] = names;
  const parts = typeof error === 'string' ? messageParts(error) : errorParts(error);
  if (parts.thing === undefined) return { command, text: withoutName(parts.fact, names) };
  const isAboutWords = error instanceof VtError && (error.code === 'EUSAGE' || error.code === 'EPARSE');
  const lead = leadOf(parts, names, isAboutWords);
  return { command, text: `${lead}${lead === '' ? '' : ' '}${shownThing(parts.thing)}: ${parts.fact}` };
}

/** What is before the thing: nothing where the command says it already, an option, or what could not be done. */
function leadOf({ action, isPlain }: ErrorParts, names: CommandNames, isAboutWords: boolean): string {
  if (action === undefined || isPlain || names.includes(action)) return '';
  const name = names.find((each) => action.startsWith(`${each} `));
  // `find --size`: what is left names an option; `put into`: it says no more than the command.
  if (name !== undefined) return action[name.length + 1] === '-' ? action.slice(name.length + 1) : '';
  return isAboutWords || action.startsWith('-') ? action : `cannot ${action}`;
}

/** A fact without the command's name, where it begins with that. */
function withoutName(fact: string, names: CommandNames): string {
  for (const name of names) {
    if (fact.startsWith(`${name}: `)) return errorLine(fact.slice(name.length + 2), names).text;
    if (fact.startsWith(`${name} `)) return fact.slice(name.length + 1);
  }
  return fact;
}

/** A thing in its form for an error line: quoted only if its ends could not be seen. */
function shownThing(thing: string): string {
  return thing === '' || /^\s|\s$|: /.test(thing) ? `"${thing}"` : thing;
}
