import { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';
import { OUTPUT_RECORD } from '../parts/records.ts';

/** `!`: a command of the local machine. */
export const localCommand = defineCommand({
  name: '!',
  group: 'local',
  summary: 'run a local command, or a local shell',
  changesLocal: true,
  details: [
    '`sh -c` runs the command in the local working directory. As after `|`, it ends at an unquoted `;`, `&&`, `||` or newline; `|`, `>` and the rest belong to the local shell. Without a command, $SHELL runs until it ends.',
  ],
  args: [{ name: 'command', kind: 'line', summary: 'a command line for sh', optional: true }],
  examples: [{ line: '!ls -l | head', says: 'the local directory' }],
  records: [OUTPUT_RECORD, { name: 'LocalEnd', summary: 'how a local command ended', fields: { exit_status: 'integer' } }],
  async run({ shell, signal, output }, { args: [line] }) {
    const status = await shell.runLocal(line ?? ('' as Octets), { signal, output });
    output.record({ exit_status: status });
    if (status !== 0 && line !== undefined) throw new VtError('EFAILED', `"${octetsToText(line)}": ended with status ${status}`);
  },
});

/** `lls`: the local `ls`, with its own options. */
export const lls = defineCommand({
  name: 'lls',
  group: 'local',
  summary: 'list local files with the local ls',
  args: [{ name: 'argument', kind: 'local', summary: 'options and paths, as the local ls takes them', optional: true, repeat: true }],
  passesOptions: true,
  records: [OUTPUT_RECORD],
  async run({ shell, signal, output }, { args }) {
    const words = args.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
    const colour = output.terminal ? ['--color=auto'] : [];
    const status = await shell.runLocal(['ls', ...colour, ...words].join(' ') as Octets, { signal, output });
    if (status !== 0) throw new VtError('EFAILED', `lls: the local ls ended with status ${status}`);
  },
});
