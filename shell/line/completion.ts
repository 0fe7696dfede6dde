import type { Command } from '../../commands/command.ts';
import { expandHome, resolveLocalPath } from '../../commands/parts/local-path.ts';
import type { LocalSession } from '../../commands/session.ts';
import { SETTINGS } from '../../commands/shell/settings.ts';
import type { ArgumentKind, ArgumentSpec } from '../../commands/words/argument-spec.ts';
import { type OptionSpec, type OptionValue, optionNamed, optionNames } from '../../commands/words/option-spec.ts';
import { scanOptions } from '../../commands/words/read-options.ts';
import type { ArchiveEntry } from '../../core/archive/archive.ts';
import { authorOf } from '../../core/archive/author-notes.ts';
import { marksOf } from '../../core/archive/mark-notes.ts';
import { formatLocalMinute, formatStateTime } from '../../core/base/date.ts';
import { compareOctets, type Octets, octetsFromText, octetsToText } from '../../core/base/octets.ts';
import { findCommand, namesOf } from '../command-names.ts';
import { argumentsOf, optionsOf } from './arguments.ts';
import type { Candidate } from './candidate.ts';
import type { GlobSide } from './glob.ts';
import type { OpenEnd } from './line.ts';
import { parseOpenLine } from './line.ts';
import { localGlobSide } from './local-glob.ts';
import { quoteCandidates } from './quote-candidates.ts';
import { treeGlobSide } from './tree-glob.ts';
import type { SkipReference, Word } from './word.ts';

/** Milliseconds within which an answer is given; it contains what was found until then. */
const LIMIT_MS = 200;
/** Most candidates: longer lists are useless. */
const MAX_CANDIDATES = 2000;

export interface CompletionOptions {
  readonly commands: readonly Command[];
  readonly session: LocalSession;
  readonly skipReference: SkipReference;
  readonly home: Octets;
  /** The clauses of the configuration: `[NAME]`. */
  readonly clauses: readonly string[];
}

/** Candidates, quoted for the line, and the part of the line that they replace. Some have descriptions. */
export interface Completion {
  readonly candidates: readonly string[];
  readonly replaces: string;
  /** The description of each candidate; empty for none. */
  readonly says: readonly string[];
}

const NOTHING: Completion = { candidates: [], replaces: '', says: [] };

/**
 * The completions of the word at the end of a line. Never throws, and answers within 200 ms.
 *
 * @param line - up to the cursor
 */
export async function completeLine(line: string, options: CompletionOptions): Promise<Completion> {
  try {
    const source = octetsFromText(line);
    const open = parseOpenLine(source, options.skipReference);
    if (open === undefined || open.opaque === 'comment') return NOTHING;
    const word = open.opaque === 'local' ? lastWordForSh(source) : open.word;
    if (word === undefined) return NOTHING;
    const quote = open.opaque === 'local' ? undefined : open.quote;
    const found = await collect(open.opaque === 'local' ? paths(word, 'local', options) : candidatesFor(open, options));
    const typed = source.slice(word.start) as Octets;
    const [first] = found;
    const replaces = first?.isVerbatim === true || first === undefined ? typed : unfinished(typed, first.after ?? 0, quote);
    const says = found.map((candidate) => candidate.says ?? '');
    return { candidates: quoteCandidates(found, quote), replaces: octetsToText(replaces), says };
  } catch {
    return NOTHING;
  }
}

/**
 * The end of the typed text that candidates replace: after its last slash or the `=` of an option, and after a quote that begins the word.
 *
 * @param after - as in {@link Candidate}
 */
function unfinished(typed: Octets, after: number, quote: OpenEnd['quote']): Octets {
  if (after > 0) return typed.slice(Math.max(typed.lastIndexOf('/'), typed.indexOf('=') < after ? typed.indexOf('=') : -1) + 1) as Octets;
  return quote !== undefined && typed.startsWith(quote) ? (typed.slice(quote.length) as Octets) : typed;
}

/** The last word of a local command, a path in which only backslashes quote; undefined in quotes, and right after `!` or `|`. */
function lastWordForSh(source: Octets): Word | undefined {
  const [typed = ''] = /(?:[^\s\\'"]|\\.)*$/s.exec(source) ?? [];
  const start = source.length - typed.length;
  if (!/\s/.test(source[start - 1] ?? '')) return undefined;
  const text = typed.replace(/\\(.)/gs, '$1') as Octets;
  return { text, quoted: new Uint8Array(text.length), start, end: source.length };
}

/** The candidates that a source yields within the limits. */
async function collect(source: AsyncIterable<Candidate>): Promise<Candidate[]> {
  // A name that exists in the tree and locally is offered once.
  const found = new Map<Octets, Candidate>();
  const stop = new AbortController();
  const gather = async (): Promise<void> => {
    for await (const candidate of source) {
      if (stop.signal.aborted || found.size >= MAX_CANDIDATES) return;
      found.set(candidate.text, candidate);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LIMIT_MS);
  });
  await Promise.race([gather().catch(() => undefined), limit]);
  clearTimeout(timer);
  stop.abort();
  return [...found.values()].sort((a, b) => compareOctets(a.text, b.text));
}

async function* candidatesFor(open: OpenEnd, options: CompletionOptions): AsyncGenerator<Candidate> {
  const { command, word } = open;
  if (open.redirected) {
    yield* paths(word, 'local', options);
    return;
  }
  const index = command.words.length - 1;
  if (index <= 0) {
    yield* words(commandWords(options), word.text.toLowerCase());
    return;
  }
  const [name] = command.words;
  if (name === undefined) return;
  const { command: found, calledAs } = findCommand(options.commands, octetsToText(name.text), true);
  const { rest, awaiting } =
    found.passesOptions === true
      ? { rest: command.words.slice(1, -1), awaiting: undefined }
      : scanOptions(optionsOf(found), command.words.slice(1, -1), {
          optionsFirst: found.optionsFirst === true,
          remedy: '',
          show: octetsToText,
        });
  if (awaiting?.spec.value !== undefined) {
    yield* valueWords(awaiting.spec.value, word, 0, options);
    return;
  }
  if (word.text.startsWith('-')) {
    yield* optionWords(found, word, options);
    if (found.passesOptions !== true) return;
  }
  for (const kind of new Set(kindsAt(argumentsOf(found, calledAs), rest.length))) {
    if (kind === 'setting')
      yield* settingWords(
        rest.map(({ text }) => octetsToText(text)),
        word.text,
      );
    else yield* ofKind(kind, word, options);
  }
}

/** Options, and after `--NAME=` the values of that option. */
async function* optionWords(command: Command, word: Word, options: CompletionOptions): AsyncGenerator<Candidate> {
  const specs = command.options ?? [];
  const equals = word.text.indexOf('=') + 1;
  if (equals === 0) {
    yield* words(
      specs.map((option): SaidWord => [`--${option.name}`, option.summary]),
      word.text,
    );
    return;
  }
  const value = optionNamed(specs, word.text.slice(2, equals - 1))?.value;
  if (value !== undefined) yield* valueWords(value, word, equals, options);
}

/**
 * The values of an option.
 *
 * @param start - where in the word the value begins
 */
async function* valueWords(value: OptionValue, word: Word, start: number, options: CompletionOptions): AsyncGenerator<Candidate> {
  const before = octetsToText(word.text.slice(0, start) as Octets);
  if (value.choices !== undefined || value.options !== undefined) {
    const known = value.choices ?? listedWords(value.options ?? [], octetsToText(word.text.slice(start) as Octets));
    yield* words(
      known.map((choice) => `${before}${choice}`),
      word.text,
    );
    return;
  }
  const typed = { ...word, text: word.text.slice(start) as Octets, quoted: word.quoted.subarray(start) };
  for await (const { after = 0, ...candidate } of ofKind(value.kind, typed, options))
    yield candidate.isVerbatim === true
      ? { ...candidate, text: `${octetsFromText(before)}${candidate.text}` as Octets }
      : { ...candidate, after: after + start };
}

/** Completions of a list of options: names after its last comma, and values after `=`. */
function listedWords(specs: readonly OptionSpec[], typed: string): string[] {
  const before = typed.slice(0, typed.lastIndexOf(',') + 1);
  const [name = ''] = typed.slice(before.length).split('=', 1);
  const isNamed = typed.length > before.length + name.length;
  if (isNamed) return (optionNamed(specs, name)?.value?.choices ?? []).map((choice) => `${before}${name}=${choice}`);
  return optionNames(specs).map((each) => `${before}${each}${optionNamed(specs, each)?.value === undefined ? '' : '='}`);
}

/** The kinds of the argument at an index; for a command with several, also the kind of its last argument. */
function kindsAt(specs: readonly ArgumentSpec[], index: number): ArgumentKind[] {
  const repeated = specs.findIndex((spec) => spec.repeat === true);
  const here = repeated >= 0 && index >= repeated ? specs.slice(repeated) : specs.slice(index, index + 1);
  return here.flatMap(({ kind, completes = [] }) => [kind, ...completes]);
}

async function* ofKind(kind: ArgumentKind, word: Word, options: CompletionOptions): AsyncGenerator<Candidate> {
  const typed = word.text;
  switch (kind) {
    case 'stored':
      if (typed.startsWith('@')) yield* states(typed, options);
      yield* pastNames(typed, options);
      yield* paths(word, 'stored', options);
      return;
    case 'state':
      yield* states(typed, options);
      return;
    case 'local directory':
      yield* paths(word, 'local', options, true);
      return;
    case 'mount':
      for (const { mountPoint } of (await import('../../fuse/mount-table.ts')).mountedPlaces())
        if (mountPoint.startsWith(typed)) yield { text: mountPoint, isOpen: false };
      return;
    case 'peer':
      yield* words(
        options.session.peers.list().map(({ name, specification }): SaidWord => [name, specification]),
        typed,
      );
      return;
    case 'bookmark':
      yield* words(bookmarkWords(options), typed);
      return;
    case 'local':
    case 'store':
    case 'reference':
      if (kind !== 'local')
        yield* words(['default', ...options.clauses.map((clause): SaidWord => [clause, 'a clause of the configuration'])], typed);
      if (kind === 'reference') yield* words(bookmarkWords(options), typed);
      yield* paths(word, 'local', options);
      return;
    case 'command':
      yield* words(commandWords(options), typed);
      return;
    case 'date':
      yield* words(['now', 'today', 'yesterday'], typed);
      return;
    default:
      return;
  }
}

function bookmarkWords({ session }: CompletionOptions): SaidWord[] {
  return session.bookmarks.map(({ name, source, path }) => [name, `${octetsToText(source)} ${octetsToText(path)}`]);
}

function commandWords({ commands, session }: CompletionOptions): SaidWord[] {
  return [
    ...commands.flatMap((command) => namesOf(command).map((name): SaidWord => [name, command.summary])),
    ...[...session.aliases].map(([name, line]): SaidWord => [name, line]),
  ];
}

/** A word and its description. */
type SaidWord = readonly [word: string, says: string];

async function* words(known: readonly (string | SaidWord)[], typed: string): AsyncGenerator<Candidate> {
  const found = new Map(known.map((each) => (typeof each === 'string' ? [each, undefined] : each)));
  for (const [text, says] of found) if (text.startsWith(typed)) yield { text: octetsFromText(text), isOpen: false, isVerbatim: true, says };
}

async function* settingWords(before: readonly string[], typed: Octets): AsyncGenerator<Candidate> {
  const [name] = before;
  yield* words(
    name === undefined
      ? SETTINGS.map((setting): SaidWord => [setting.name, setting.summary])
      : (optionNamed(SETTINGS, name)?.value?.choices ?? []),
    typed,
  );
}

/** How many characters of a date select the times of states: `@20`. */
const DATE_START = 3;

/** `@N`, tags and times of the recorded states. */
async function* states(typed: Octets, { session }: CompletionOptions): AsyncGenerator<Candidate> {
  if (session.archive === undefined) return;
  for await (const entry of session.archive.entries())
    for (const text of [`@${entry.number}`, ...marksOf(entry).tags.map((tag) => `@${tag}`), `@${formatStateTime(entry.whenNs)}`])
      if (text.startsWith(typed) && (!text.includes(':') || typed.length >= DATE_START))
        yield { text: octetsFromText(text), isOpen: false, isVerbatim: true, says: stateText(entry) };
}

/** `NAME@N` of the recorded states, once the `@` is typed. */
async function* pastNames(typed: Octets, { session }: CompletionOptions): AsyncGenerator<Candidate> {
  const at = typed.lastIndexOf('@');
  if (at <= 0 || session.archive === undefined) return;
  const after = typed.lastIndexOf('/') + 1;
  for await (const entry of session.archive.entries()) {
    const text = `${typed.slice(0, at)}@${entry.number}`;
    if (text.startsWith(typed)) yield { text: text.slice(after) as Octets, after, isOpen: false, says: stateText(entry) };
  }
}

/** When a state was recorded, and by which command. */
function stateText({ whenNs, notes }: ArchiveEntry): string {
  const { command, message } = authorOf(notes);
  return `${formatLocalMinute(whenNs)}  ${message ?? command ?? ''}`.trimEnd();
}

/** Entries of a folder, as base names to append to the folder as typed. */
async function* paths(
  { text: typed, quoted }: Word,
  side: 'stored' | 'local',
  { session, home }: CompletionOptions,
  dirsOnly = false,
): AsyncGenerator<Candidate> {
  const after = typed.lastIndexOf('/') + 1;
  const folder = typed.slice(0, after) as Octets;
  const start = typed.slice(after);
  const where: GlobSide = side === 'stored' ? treeGlobSide(session.tree, session.cwd) : localGlobSide(session.localCwd);
  const meant = quoted[0] === 0 ? expandHome(folder, home) : folder;
  const listed = side === 'stored' || folder === '' ? folder : resolveLocalPath(session.localCwd, meant);
  for await (const { name, isDir } of where.list(listed)) {
    if (!name.startsWith(start) || (name.startsWith('.') && !start.startsWith('.')) || (dirsOnly && !isDir)) continue;
    // A name that starts with a dash would be read as an option.
    const before = folder === '' && name.startsWith('-') ? './' : '';
    yield { text: `${before}${name}${isDir ? '/' : ''}` as Octets, after, isOpen: isDir };
  }
}
