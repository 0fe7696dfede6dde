import { octetsToText } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';
import { pagerOf, showInPager } from '../parts/pager.ts';

/** `help`: all commands, or one. */
export const help = defineCommand({
  name: 'help',
  aliases: ['?'],
  group: 'shell',
  summary: 'list the commands, or explain one',
  args: [{ name: 'name', kind: 'command', summary: 'a command', optional: true }],
  async run({ shell, output, signal, plan }, { args: [name] }) {
    const text = shell.helpText(name === undefined ? undefined : octetsToText(name));
    const isLong = text.split('\n').length >= SCREEN_LINES;
    if (isLong && shell.interactive && output.terminal && !output.json && !plan) {
      if (await showInPager(shell, pagerOf(shell, 'less -FX'), contentOf(text), signal)) return;
    }
    for (const line of text.split('\n')) output.line(/^[A-Z].*:$/.test(line) ? output.style('heading', line) : line);
    output.record({ help: text });
  },
});

/** A text of as many lines goes through the pager: the rows of the smallest usual terminal. */
const SCREEN_LINES = 24;

async function* contentOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${text}\n`);
}

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
