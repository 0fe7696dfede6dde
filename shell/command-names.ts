import type { Command } from '../commands/command.ts';
import { suggest } from '../commands/words/suggest.ts';
import { UsageError } from '../core/base/errors.ts';

/** Names of our commands in other programs (lftp, restic, borg, git, DOS). */
const NAMES_ELSEWHERE: Readonly<Record<string, string>> = {
  add: 'use put',
  attach: 'use open MOUNTPOINT',
  backup: 'use put',
  changes: 'use diff',
  chgrp: 'use chown :GROUP',
  check: 'use fsck, or scrub to read all bytes',
  checkout: 'use cd @N to look, restore or undo @N to go back',
  clone: 'use pull -p STORE',
  cls: 'use clear',
  commit: 'use sync',
  connect: 'use open',
  copy: 'use cp',
  create: 'use put',
  del: 'use rm',
  delete: 'use rm',
  dump: 'use cat for a file, get for a Dir',
  echo: 'use !echo',
  erase: 'use rm',
  export: 'use get',
  extract: 'use get',
  fetch: 'use pull',
  fg: 'use wait',
  import: 'use put',
  info: 'use stat for a file, status for the Store',
  init: 'the first put makes the Store',
  keep: 'use forget for rules, protect for one state',
  key: 'use sealed-key',
  list: 'use ls for files, log for states',
  man: 'use help',
  mirror: 'use put to store a directory, get to copy one out',
  move: 'use mv',
  ncdu: 'use du -i',
  pget: 'use get',
  prune: 'use forget, then gc',
  queue: 'use jobs',
  remote: 'use peer',
  retention: 'use forget, then gc',
  revert: 'use restore for one name, undo for the tree',
  rollback: 'use undo',
  save: 'use sync',
  search: 'use find, or locate for all recorded states',
  snapshot: 'use sync',
  snapshots: 'use log',
  stats: 'use df for the Store, du for the tree',
  type: 'use cat',
  undelete: 'use undo, or restore for one name',
  unlock: 'a lock ends with its process: nothing is to be unlocked',
  verify: 'use fsck, or scrub to read all bytes',
  versions: 'use log',
  vtftp: 'it runs already: open SOURCE opens another source',
};

/** Programs that read a file: a pipe gives them a stored one. */
const READERS = new Set(
  'awk base64 bzcat cut file grep egrep fgrep gunzip gzip hexdump jq md5sum nl od rg sed sha1sum sha256sum sha512sum shasum sort strings tac tr uniq wc xxd xz zcat'.split(
    ' ',
  ),
);

/** Programs that change a file in place: a mount gives them the tree. */
const EDITORS = new Set('code ed edit emacs gedit micro nano nvim vi vim'.split(' '));

/** A suggestion for an unknown command name; undefined if there is none. */
function hintFor(name: string): string | undefined {
  if (Object.hasOwn(NAMES_ELSEWHERE, name)) return NAMES_ELSEWHERE[name];
  if (READERS.has(name)) return `use cat FILE | ${name}`;
  if (EDITORS.has(name)) return 'use mount, and edit the file there';
  return undefined;
}

/** A command, and which of its names it was called by. */
export interface NamedCommand {
  readonly command: Command;
  readonly calledAs: string;
}

/**
 * The command of a name, whatever its case.
 *
 * @param allowPrefix - a unique prefix will do: at a terminal, never in scripts, so that a new verb changes no old one
 * @param lead - start of the message: the name, if the user typed another command
 * @throws {UsageError} for an unknown or ambiguous name, with a suggestion
 */
export function findCommand(commands: readonly Command[], typed: string, allowPrefix: boolean, lead = ''): NamedCommand {
  const wanted = typed.toLowerCase();
  const prefixed = new Map<Command, string>();
  for (const command of commands) {
    for (const name of namesOf(command)) {
      if (name === wanted) return { command, calledAs: name };
      if (wanted !== '' && name.startsWith(wanted) && !prefixed.has(command)) prefixed.set(command, name);
    }
  }
  const [first] = prefixed;
  if (allowPrefix && prefixed.size === 1 && first !== undefined) return { command: first[0], calledAs: first[1] };
  if (allowPrefix && prefixed.size > 1)
    throw new UsageError(`${lead}ambiguous command`, { remedy: `one of ${[...prefixed.values()].join(', ')}` });
  const guesses = prefixed.size > 0 ? [...prefixed.values()] : suggest(wanted, commands.flatMap(namesOf));
  const hint = hintFor(wanted);
  if (hint !== undefined) throw new UsageError(`${lead}no such command`, { remedy: hint });
  const remedy = guesses.length > 0 ? `did you mean ${guesses.slice(0, 3).join(', ')}?` : 'type help; !COMMAND runs one of this machine';
  throw new UsageError(`${lead}no such command`, { remedy });
}

/** Name and aliases of a command. */
export function namesOf(command: Command): readonly string[] {
  return [command.name, ...(command.aliases ?? [])];
}

/** `try: vtftp -c 'put doc'`, for words of a command line that name a command and were taken for a source; else undefined. */
export function asCommandLine(commands: readonly Command[], words: readonly string[]): string | undefined {
  const isCommand = commands.some((command) => namesOf(command).includes(words[0] ?? ''));
  return isCommand ? `try: vtftp -c ${quoteForShell(words.join(' '))}` : undefined;
}

function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
