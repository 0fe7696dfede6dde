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
  options: [{ name: 'schema', summary: 'print the JSON Schema of the objects under --json, of NAME or of all commands' }],
  records: [
    { name: 'Help', summary: 'the text of help', fields: { help: 'text' } },
    { name: 'PrintedSchema', summary: 'a JSON Schema', fields: { schema: 'any' } },
  ],
  async run({ shell, output, signal, plan }, { args: [name], options }) {
    const command = name === undefined ? undefined : octetsToText(name);
    if (options.has('schema')) {
      const schema = await shell.outputSchema(command);
      for (const line of JSON.stringify(schema, undefined, 2).split('\n')) output.line(line);
      output.record({ schema });
      return;
    }
    const text = shell.helpText(command);
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
  records: [{ name: 'Version', summary: 'the version', fields: { version: 'text' } }],
  async run({ shell, output }) {
    output.line(`vtftp ${shell.version}`);
    output.record({ version: shell.version });
  },
});
