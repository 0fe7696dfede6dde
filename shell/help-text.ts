import type { Command, CommandGroup } from '../commands/command.ts';
import { COMMAND_GROUPS } from '../commands/command.ts';
import { appendAll, largestOf } from '../core/base/lists.ts';
import type { NamedCommand } from './command-names.ts';
import { argumentsOf, usageLine } from './line/arguments.ts';
import { listedOptionText, optionText } from './option-text.ts';
import { wrapText } from './output/wrap-text.ts';

/** Headings of the groups of commands. */
export const GROUP_HEADINGS: Readonly<Record<CommandGroup, string>> = {
  leave: 'Leaving',
  where: 'Working path',
  list: 'Listing',
  read: 'Reading',
  move: 'Moving bytes in and out',
  change: 'Changing',
  history: 'History',
  mount: 'Mounts',
  store: 'Stores and maintenance',
  local: 'Local commands',
  shell: 'The shell',
};

const WIDTH = 78;

/** The commands of a group, in the order of the list. */
export function commandsOf(group: CommandGroup, commands: readonly Command[]): readonly Command[] {
  return commands.filter((command) => command.group === group);
}

/** The text of `help`: each command with its summary, by group. */
export function helpOverview(commands: readonly Command[]): string {
  const width = largestOf(commands.map(({ name }) => name.length));
  const lines: string[] = [];
  for (const group of COMMAND_GROUPS) {
    const members = commandsOf(group, commands);
    if (members.length === 0) continue;
    lines.push(`${GROUP_HEADINGS[group]}:`);
    for (const { name, summary } of members) lines.push(`  ${name.padEnd(width)}  ${summary}`);
    lines.push('');
  }
  lines.push("help NAME explains a command. Quote with '…', \"…\", \\ or $'\\n…'; * ? [ ] match names; > file, | local command.");
  return lines.join('\n');
}

/** The text of `help NAME`. */
export function commandHelp({ command, calledAs }: NamedCommand): string {
  const lines = [`${command.name}: ${command.summary}`, '', `usage: ${usageLine(command, calledAs)}`];
  const aliases = command.aliases ?? [];
  if (aliases.length > 0) lines.push(`also called ${aliases.join(', ')}`);
  const rows = [
    ...argumentsOf(command, calledAs).map((spec) => [spec.name.toUpperCase(), spec.summary] as const),
    ...(command.options ?? []).map((option) => [optionText(option), option.summary] as const),
  ];
  if (rows.length > 0) appendAll(lines, ['', ...table(rows)]);
  for (const option of command.options ?? []) {
    if (option.value?.options === undefined) continue;
    lines.push('', `options of ${option.short === undefined ? `--${option.name}` : `-${option.short}`}, with commas between them:`);
    appendAll(lines, table(option.value.options.map((listed) => [listedOptionText(listed), listed.summary])));
  }
  for (const paragraph of command.details ?? []) appendAll(lines, ['', ...wrapText(paragraph, WIDTH)]);
  const { records = [] } = command;
  if (records.length > 0) lines.push('', 'objects under --json:');
  for (const { summary, fields } of records)
    appendAll(lines, [`  ${summary}`, ...wrapText(Object.keys(fields).join(', '), WIDTH - 6).map((line) => `      ${line}`)]);
  if (command.examples !== undefined && command.examples.length > 0) {
    lines.push('', 'examples:');
    for (const { line, says } of command.examples) lines.push(`  ${line}`, `      ${says}`);
  }
  return lines.join('\n');
}

/** Rows of two columns. */
function table(rows: readonly (readonly [left: string, right: string])[]): string[] {
  const width = largestOf(rows.map(([left]) => left.length));
  return rows.flatMap(([left, right]) => hanging(`  ${left.padEnd(width)}  `, right));
}

function hanging(left: string, right: string): string[] {
  return wrapText(right, Math.max(20, WIDTH - left.length)).map((line, i) => (i === 0 ? left : ' '.repeat(left.length)) + line);
}
