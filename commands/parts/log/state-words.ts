import type { ArchiveEntry } from '../../../core/archive/archive.ts';
import { authorOf } from '../../../core/archive/author-notes.ts';
import { marksOf } from '../../../core/archive/mark-notes.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import type { Output } from '../../command.ts';

/** The author, commands and tags of a recorded state: columns for the end of a line of `log`. */
export function stateColumns(output: Output, entry: ArchiveEntry): string[] {
  const { host, user, command } = authorOf(entry.notes);
  const { tags, isProtected } = marksOf(entry);
  const columns: string[] = [];
  const who = [user, host].filter((word) => word !== undefined).join('@');
  if (who !== '') columns.push(`${textOf(output, who)}${command === undefined ? '' : `: ${textOf(output, command)}`}`);
  const marks = tags.map((tag) => textOf(output, `@${tag}`));
  if (isProtected) marks.push('protected');
  if (marks.length > 0) columns.push(`[${marks.join(' ')}]`);
  return columns;
}

/** Prints the message of a recorded state below its line, if it has one. */
export function printMessage(output: Output, { notes }: ArchiveEntry): void {
  const { message } = authorOf(notes);
  if (message !== undefined) output.line(`       ${textOf(output, message)}`);
}

/** A user's text on one line. */
function textOf(output: Output, text: string): string {
  return output.name(octetsFromText(text.trim().replaceAll(/\s*[\n\r\v\f]\s*/g, ' ')));
}
