import { octetsToText } from '../core/base/octets.ts';
import { defineCommand } from './command.ts';

/** `help`: all commands, or one. */
export const help = defineCommand({
  name: 'help',
  aliases: ['?'],
  group: 'shell',
  summary: 'tell of the commands, or of one of them',
  args: [{ name: 'name', kind: 'command', summary: 'a command', optional: true }],
  async run({ shell, output }, { args: [name] }) {
    const text = shell.helpText(name === undefined ? undefined : octetsToText(name));
    for (const line of text.split('\n')) output.line(/^[A-Z].*:$/.test(line) ? output.style('heading', line) : line);
    output.record({ help: text });
  },
});

/** `version`: of the program. */
export const version = defineCommand({
  name: 'version',
  group: 'shell',
  summary: 'print the version of the program',
  async run({ shell, output }) {
    output.line(`vtftp ${shell.version}`);
    output.record({ version: shell.version });
  },
});
