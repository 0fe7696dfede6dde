import type { ErrorParts } from '../../core/base/error-parts.ts';
import { errorParts, messageParts } from '../../core/base/error-parts.ts';
import { VtError } from '../../core/base/errors.ts';

/** Names of the failed command: the typed name first, then its other names. */
export type CommandNames = readonly string[];

/** The names in errors that no command caused. */
const PROGRAM: CommandNames = ['vtftp'];

/** The parts of an error line. */
export interface ErrorLine {
  /** The typed command, or the program. */
  readonly command: string;
  /** The thing and the fact, without the command and without the remedy. */
  readonly text: string;
}

/**
 * Composes an error line: the typed command, then the thing, then the fact. Every error line of the program
 * comes from here, whatever the order in its message.
 *
 * @param error - an error, or the message of one
 * @param names - names of the failed command; default: the program
 */
export function errorLine(error: unknown, names: CommandNames = PROGRAM): ErrorLine {
  const [command = 'vtftp'] = names;
  const parts = typeof error === 'string' ? messageParts(error) : errorParts(error);
  if (parts.thing === undefined) return { command, text: withoutName(parts.fact, names) };
  const isAboutWords = error instanceof VtError && (error.code === 'EUSAGE' || error.code === 'EPARSE');
  const lead = leadOf(parts, names, isAboutWords);
  return { command, text: `${lead}${lead === '' ? '' : ' '}${shownThing(parts.thing)}: ${parts.fact}` };
}

/** The text before the thing: an option, the failed action, or nothing if the command's name says it already. */
function leadOf({ action, isPlain }: ErrorParts, names: CommandNames, isAboutWords: boolean): string {
  if (action === undefined || isPlain || names.includes(action)) return '';
  const name = names.find((each) => action.startsWith(`${each} `));
  // `find --size`: what is left names an option; `put into`: it says no more than the command.
  if (name !== undefined) return action[name.length + 1] === '-' ? action.slice(name.length + 1) : '';
  return isAboutWords || action.startsWith('-') ? action : `cannot ${action}`;
}

/** A fact without the command's name at its start. */
function withoutName(fact: string, names: CommandNames): string {
  for (const name of names) {
    if (fact.startsWith(`${name}: `)) return errorLine(fact.slice(name.length + 2), names).text;
    if (fact.startsWith(`${name} `)) return fact.slice(name.length + 1);
  }
  return fact;
}

/** A thing in its form for an error line: quoted only if its ends would be unclear. */
function shownThing(thing: string): string {
  return thing === '' || /^\s|\s$|: /.test(thing) ? `"${thing}"` : thing;
}
