import { expandHome } from '../commands/parts/local-path.ts';
import { type ArgumentSpec, isLocalKind } from '../commands/words/argument-spec.ts';
import { VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsToText } from '../core/base/octets.ts';
import type { DispatchOptions } from './dispatch-options.ts';
import type { AssignedWord } from './line/arguments.ts';
import { expandGlob, isGlobWord, patternOf } from './line/glob.ts';
import { localGlobSide } from './line/local-glob.ts';
import { treeGlobSide } from './line/tree-glob.ts';
import type { Word } from './line/word.ts';

/** The sources of a word's values: the tree, this machine, standard input. */
type WordSides = Pick<DispatchOptions, 'session' | 'local' | 'home' | 'services'>;

/** The arguments of a command, in their order and by the names of their rows. */
interface Arguments {
  readonly args: Octets[];
  /** The rows with a word that was a pattern. */
  readonly expanded: Set<string>;
  readonly named: Map<string, Octets[]>;
}

/**
 * The values of a command's words: a glob is replaced by the names that it matches.
 *
 * @throws {VtError} EUSAGE for a glob with several matches if only one name is allowed
 */
export async function expandArguments(assigned: readonly AssignedWord[], sides: WordSides, signal: AbortSignal): Promise<Arguments> {
  const named = new Map<string, Octets[]>();
  const args: Octets[] = [];
  const expanded = new Set<string>();
  for (const { spec, word } of assigned) {
    const values = await expand(word, spec, sides, signal);
    if (isPattern(word, sides) && (spec.glob ?? true) === true) expanded.add(spec.name);
    if (values.length > 1 && spec.repeat !== true)
      throw new VtError('EUSAGE', `"${octetsToText(word.text)}": matches ${values.length} names, but only one is allowed`);
    const sameName = named.get(spec.name) ?? [];
    named.set(spec.name, sameName);
    for (const value of values) {
      sameName.push(value);
      args.push(value);
    }
  }
  return { args, named, expanded };
}

/** The names in the file of `--files-from0`. */
export async function namesListedIn(file: Octets, { local, home, services }: WordSides, signal: AbortSignal): Promise<Octets[]> {
  const { listedNames } = await import('./listed-names.ts');
  return await listedNames(file, { local, home, standardInput: () => services.standardInput(signal) });
}

/** Whether a word is a pattern: unquoted, unless the session has none. */
function isPattern(word: Word, { session }: Pick<WordSides, 'session'>): boolean {
  return isGlobWord(word) && session.settings.get('glob') !== 'off';
}

/** The values of a word: the matches of its glob in the tree or locally, else the word itself. */
async function expand(word: Word, { kind, glob = true }: ArgumentSpec, sides: WordSides, signal: AbortSignal): Promise<Octets[]> {
  const { session, local, home } = sides;
  const mayGlob = glob === true && isPattern(word, sides);
  if (glob === 'refused' && isPattern(word, sides))
    throw new VtError('EUSAGE', `"${octetsToText(word.text)}": a pattern cannot be the target`, { remedy: 'quote it to use it as a name' });
  if (kind === 'stored' && mayGlob) return await expandGlob(word, treeGlobSide(session.tree, session.cwd, signal), signal);
  // A reference may also be a local path, so only `~` is expanded.
  if (kind === 'reference') return [word.quoted[0] === 0 ? expandHome(word.text, home) : word.text];
  if (!isLocalKind(kind)) return [word.text];
  if (mayGlob && local !== undefined) return await expandGlob(word, localGlobSide(local.localCwd), signal);
  const text = glob === 'pattern' ? patternOf(word.text, word.quoted) : word.text;
  return [word.quoted[0] === 0 ? expandHome(text, home) : text];
}
