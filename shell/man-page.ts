import { readFileSync } from 'node:fs';
import type { Command } from '../commands/command.ts';
import { COMMAND_GROUPS } from '../commands/command.ts';
import { type OptionSpec, type OptionValue, valueName } from '../commands/words/option-spec.ts';
import { appendAll } from '../core/base/lists.ts';
import { PROGRAM_OPTIONS } from './argv.ts';
import { EXIT_TEXTS } from './exit-status.ts';
import { commandsOf, GROUP_HEADINGS } from './help-text.ts';
import { argumentsOf } from './line/arguments.ts';
import { wrapText } from './output/wrap-text.ts';

/** mandoc's lint asks for lines of at most 80 bytes. */
const LINE_WIDTH = 78;

// vtftp(1) in mdoc. Prose comes from a template; options, commands and tables come from the program.

/** The generated sections of the page, by their placeholder line in the template. */
const SECTIONS: Readonly<Record<string, (commands: readonly Command[]) => string[]>> = {
  '.\\" @SYNOPSIS@': () => synopsisSection(),
  '.\\" @OPTIONS@': () => optionsSection(),
  '.\\" @COMMANDS@': commandsSection,
  '.\\" @STATUSES@': () => EXIT_TEXTS.map(([status, text]) => `.It ${status} Ta ${text}`),
};

/**
 * The text of vtftp(1).
 *
 * @param template - the page with `.\" @NAME@` lines where generated parts go
 */
export function manPage(template: string, commands: readonly Command[]): string {
  const lines = template.trimEnd().split('\n');
  return `${lines.flatMap((line) => SECTIONS[line]?.(commands) ?? [line]).join('\n')}\n`;
}

/** The template's text. @param root - the project's folder */
export function readManTemplate(root: string): string {
  return readFileSync(`${root}/man/vtftp.1.in`, 'utf8');
}

/** Every option in one line of its own, those of one letter without a value together. */
function synopsisSection(): string[] {
  const letters = PROGRAM_OPTIONS.flatMap(({ short, value }) => (short === undefined || value !== undefined ? [] : [short]));
  const others = PROGRAM_OPTIONS.filter(({ short, value }) => short === undefined || value !== undefined);
  return [`.Op Fl ${letters.join('')}`, ...others.map((option) => `.Op ${shortestForm(option)}`)];
}

function optionsSection(): string[] {
  return PROGRAM_OPTIONS.flatMap(optionItem);
}

function commandsSection(commands: readonly Command[]): string[] {
  return COMMAND_GROUPS.flatMap((group) => {
    const members = commandsOf(group, commands);
    if (members.length === 0) return [];
    return [`.Ss ${GROUP_HEADINGS[group]}`, '.Bl -tag -width Ds', ...members.flatMap(commandItem), '.El'];
  });
}

function commandItem(command: Command): string[] {
  const lines = [`.It Ic ${escapeWord(command.name)}${synopsis(command)}`];
  const aliases = command.aliases ?? [];
  appendAll(lines, prose(sentence(command.summary)));
  if (aliases.length > 0) {
    appendAll(lines, ['Also called', ...aliases.map((alias, i) => `.Ic ${escapeWord(alias)}${i < aliases.length - 1 ? ' ,' : ' .'}`)]);
  }
  for (const paragraph of command.details ?? []) appendAll(lines, ['.Pp', ...sentences(paragraph)]);
  const rows: string[] = [];
  for (const spec of argumentsOf(command, command.name))
    appendAll(rows, [`.It Ar ${escapeWord(spec.name.toUpperCase())}`, ...prose(sentence(spec.summary))]);
  for (const option of command.options ?? []) appendAll(rows, optionItem(option));
  if (rows.length > 0) appendAll(lines, ['.Pp', '.Bl -tag -width Ds -compact', ...rows, '.El']);
  for (const option of command.options ?? []) appendAll(lines, listedOptions(option));
  for (const { summary, fields } of command.records ?? [])
    appendAll(lines, ['.Pp', ...prose(`With --json: ${summary}, with ${Object.keys(fields).join(', ')}.`)]);
  const examples = command.examples ?? [];
  if (examples.length === 0) return lines;
  appendAll(lines, ['.Pp', examples.length === 1 ? 'Example:' : 'Examples:', '.Bl -tag -width Ds -compact']);
  // What an example does is below it as it was written: a capital would make other commands of those that it names.
  for (const { line, says } of examples) appendAll(lines, [`.It Li ${line.split(' ').map(escapeWord).join(' ')}`, ...prose(says)]);
  return [...lines, '.El'];
}

/** An option with its summary. */
function optionItem(option: OptionSpec): string[] {
  const { short = '', alsoShort = '', name, value, summary } = option;
  const letters = [...short, ...alsoShort].map((letter) => `Fl ${letter} , `).join('');
  return [`.It ${letters}Fl Fl ${name}${valueMacros(value)}`, ...prose(sentence(summary))];
}

/** The options that an option takes a list of. */
function listedOptions({ short, name, value }: OptionSpec): string[] {
  if (value?.options === undefined) return [];
  const rows = value.options.flatMap((listed) => [
    `.It Cm ${listed.name}${listed.negatable === true ? ` , Cm no${listed.name}` : ''}${valueMacros(listed.value)}`,
    ...prose(sentence(listed.summary)),
  ]);
  const shown = short === undefined ? `Fl ${name}` : short;
  return ['.Pp', 'Options of', `.Fl ${shown} ,`, 'with commas between them:', '.Bl -tag -width Ds -compact', ...rows, '.El'];
}

/** An option by its letter where it has one, as a synopsis shows it. */
function shortestForm({ short, name, value }: OptionSpec): string {
  if (short === undefined) return `Fl Fl ${name}${valueMacros(value)}`;
  return `Fl ${short}${value === undefined ? '' : ` Ar ${escapeWord(valueName(value))}`}`;
}

function valueMacros(value: OptionValue | undefined): string {
  if (value === undefined) return '';
  const text = `= Ns Ar ${escapeWord(valueName(value))}`;
  return value.bare === undefined ? ` Ns ${text}` : ` Ns Op ${text}`;
}

/** Options that take no value in one cluster, then those that do, then the arguments, as macros of one line. */
function synopsis(command: Command): string {
  const letters = (command.options ?? [])
    .filter(({ short, value }) => short !== undefined && value === undefined)
    .map(({ short }) => short);
  let text = letters.length === 0 ? '' : ` Oo Fl ${letters.join('')} Oc`;
  for (const option of command.options ?? []) if (option.value !== undefined) text += ` Oo ${shortestForm(option)} Oc`;
  for (const spec of argumentsOf(command, command.name)) {
    const name = `Ar ${escapeWord(spec.name.toUpperCase())}${spec.repeat === true ? ' ...' : ''}`;
    text += spec.optional === true ? ` Oo ${name} Oc` : ` ${name}`;
  }
  return text;
}

/** Text in lines of a page. */
function prose(text: string): string[] {
  return wrapText(
    text.replace(/`([^`]+)`/g, '\u2018$1\u2019').replace(/[\\`\u2026\u2018\u2019\u201c\u201d~^]/g, (char) => ESCAPES[char] ?? char),
    LINE_WIDTH,
  ).map((line) => (/^[.']/.test(line) ? `\\&${line}` : line));
}

/** A summary as a sentence. A letter alone is what one types, and stays as it is. */
function sentence(text: string): string {
  const start = /^(?:a|[a-z]{2,})[ ,;]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

/** One sentence a line, as mdoc wants it. */
function sentences(text: string): string[] {
  return text.split(/(?<=[.!?]) (?=[A-Z`@*-])/).flatMap(prose);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '`': '\\(ga',
  '\u2026': '\\[u2026]',
  '\u2018': '\\(oq',
  '\u2019': '\\(cq',
  '\u201c': '\\(lq',
  '\u201d': '\\(rq',
  '~': '\\(ti',
  '^': '\\(ha',
};

/** Text escaped so that roff finds no request, macro or escape in it. */
function escapeText(text: string): string {
  const escaped = text.replace(/[\\`\u2026\u2018\u2019\u201c\u201d~^]/g, (char) => ESCAPES[char] ?? char);
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** A word escaped as a macro's argument: mdoc must not treat it as punctuation or a macro. */
function escapeWord(word: string): string {
  // A double quote would group arguments.
  const text = escapeText(word).replaceAll('"', '\\(dq');
  return /^[A-Z][a-z]$|^[!?.,:;()[\]|]+$/.test(word) ? `\\&${text}` : text;
}
