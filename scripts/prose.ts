import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../commands/all-commands.ts';
import { PROGRAM_OPTIONS } from '../shell/argv.ts';
import { PROJECT_ROOT } from './project-root.ts';
import { sentencesOfComments, sentencesOfManual, sentencesOfMarkdown, sentencesOfText } from './sentences.ts';

// Measures the sentences of all texts that people read, comments included: `node dist/scripts/prose.js [--all]`. With `--all` it also
// prints a table; the gate runs it without.

/** Maximum words in a sentence. */
const MAX_WORDS = 30;
/** Maximum of the median number of words in a text's sentences. */
const MAX_MEDIAN = 15;

/** Texts that people read. `help` is the help of all commands and options; a folder stands for its pages and the comments of its sources. */
const TEXTS: readonly string[] = [
  'help',
  'man/vtftp.1.in',
  'man/vtftp.conf.5',
  'man/vt.5',
  'man/vt.7',
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/',
  'core/',
  'fuse/',
  'commands/',
  'shell/',
  'scripts/',
];

/** A sentence and its place. */
interface Sentence {
  readonly from: string;
  readonly text: string;
}

function sentencesOf(name: string): Sentence[] {
  if (name.endsWith('/')) return sentencesBelow(name);
  const file = join(PROJECT_ROOT, name);
  if (name === 'help') return placed(name, helpSentences());
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  return placed(name, name.endsWith('.md') ? sentencesOfMarkdown(text) : sentencesOfManual(text));
}

function placed(from: string, sentences: readonly string[]): Sentence[] {
  return sentences.map((text) => ({ from, text }));
}

/** Sentences of the pages in a folder, and of the comments of sources. */
function sentencesBelow(folder: string): Sentence[] {
  return readdirSync(join(PROJECT_ROOT, folder), { recursive: true, encoding: 'utf8' }).flatMap((file) => {
    const read = file.endsWith('.md') ? sentencesOfMarkdown : file.endsWith('.ts') ? sentencesOfComments : undefined;
    return read === undefined ? [] : placed(folder + file, read(readFileSync(join(PROJECT_ROOT, folder, file), 'utf8')));
  });
}

function helpSentences(): string[] {
  const ofCommands = COMMANDS.flatMap(({ summary, details = [], args = [], options = [], examples = [] }) => [
    summary,
    ...details,
    ...args.map((each) => each.summary),
    ...options.map((each) => each.summary),
    ...examples.map(({ says }) => says),
  ]);
  return [...ofCommands, ...PROGRAM_OPTIONS.map(({ summary }) => summary)].flatMap(sentencesOfText);
}

function wordsOf(sentence: string): number {
  return sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

const isAll = process.argv.includes('--all');
for (const name of TEXTS) {
  const counted = sentencesOf(name).map((sentence) => ({ ...sentence, words: wordsOf(sentence.text) }));
  const sizes = counted.map(({ words }) => words).sort((a, b) => a - b);
  const median = sizes[Math.floor(sizes.length / 2)] ?? 0;
  const long = counted.filter(({ words }) => words > MAX_WORDS);
  if (isAll)
    console.log(
      `${name}: ${sizes.length} sentences, median ${median} words, longest ${sizes.at(-1) ?? 0}, ${long.length} over ${MAX_WORDS}`,
    );
  for (const { from, text, words } of long) console.log(`${from}: ${words} words, ${MAX_WORDS} are allowed: ${text}`);
  if (median > MAX_MEDIAN) console.log(`${name}: the median sentence has ${median} words, ${MAX_MEDIAN} are allowed`);
  if (long.length > 0 || median > MAX_MEDIAN) process.exitCode = 1;
}
