import type { Command } from '../commands/command.ts';
import { expandHome } from '../commands/parts/local-path.ts';
import { isLocalKind } from '../commands/words/argument-spec.ts';
import { VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsToText } from '../core/base/octets.ts';
import { isCancelled } from './cancelled.ts';
import type { DispatchOptions } from './dispatch-options.ts';
import { argumentsOf } from './line/arguments.ts';
import type { GlobSide } from './line/glob.ts';
import { localGlobSide } from './line/local-glob.ts';
import { quoteWord } from './line/quote.ts';
import { treeGlobSide } from './line/tree-glob.ts';
import { isPlain, type Word } from './line/word.ts';

/** Words of a line that are tried as one name, at most. */
const MAX_WORDS = 12;

/** A failed command. */
interface FailedCall {
  readonly command: Command;
  readonly calledAs: string;
  /** Without the name. */
  readonly words: readonly Word[];
}

/**
 * What a failed command's words suggest: quotes for a name with spaces that was typed without them, and `./` for a name that begins with
 * a dash. Undefined if no such name exists.
 *
 * @param source - the line of the words
 */
export async function wordsRemedy(
  { command, calledAs, words }: FailedCall,
  source: Octets,
  error: unknown,
  { session, local, home }: Pick<DispatchOptions, 'session' | 'local' | 'home'>,
): Promise<string | undefined> {
  if (isCancelled(error) || words.length > MAX_WORDS) return undefined;
  const kinds = argumentsOf(command, calledAs).map(({ kind }) => kind);
  const sides: GlobSide[] = [];
  if (kinds.includes('stored')) sides.push(treeGlobSide(session.tree, session.cwd));
  if (kinds.some(isLocalKind) && local !== undefined) sides.push(localGlobSide(local.localCwd));
  const exists = async (name: Octets): Promise<boolean> => {
    for (const side of sides) if (await side.exists(expandHome(name, home))) return true;
    return false;
  };
  try {
    if (error instanceof VtError && error.code === 'EUSAGE')
      for (const { text } of words)
        if (text.startsWith('-') && text !== '--' && (await exists(text))) return `to name the file: ./${octetsToText(text)}`;
    const name = await nameOfWords(words.filter(isPlain), source, exists);
    return name === undefined ? undefined : `quote a name with spaces: ${quoteWord(name)}`;
  } catch (failure) {
    // The tree cannot be read: that may be why the command failed.
    if (failure instanceof VtError) return undefined;
    throw failure;
  }
}

/** The longest name of several words that exists although its first word does not. */
async function nameOfWords(
  words: readonly Word[],
  source: Octets,
  exists: (name: Octets) => Promise<boolean>,
): Promise<Octets | undefined> {
  for (const [at, first] of words.entries()) {
    if (first.text.startsWith('-') || (await exists(first.text))) continue;
    for (const last of words.slice(at + 1).reverse()) {
      const name = source.slice(first.start, last.end) as Octets;
      // `..` takes away what is before it, whether that exists or not.
      if (!/(?:^|\/)\.{1,2}(?:\/|$)/.test(name) && (await exists(name))) return name;
    }
  }
  return undefined;
}
