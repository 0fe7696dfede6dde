import { UsageError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';

/** `alias`: a name of one's own for a line. */
export const alias = defineCommand({
  name: 'alias',
  group: 'shell',
  summary: 'show the aliases, make one, or remove one',
  details: ['Words after the alias follow its text. If LINE contains NAME itself, that means the command.'],
  args: [
    { name: 'name', kind: 'text', summary: 'the alias', optional: true },
    { name: 'line', kind: 'text', summary: 'the text that replaces it', optional: true, repeat: true },
  ],
  options: [{ name: 'delete', short: 'd', summary: 'remove NAME' }],
  optionsFirst: true,
  examples: [{ line: "alias ll='ls -l'", says: 'll docs is ls -l docs' }],
  records: [{ name: 'Alias', summary: 'an alias', fields: { alias: 'text', line: 'text' } }],
  async run({ session, output, shell }, { args: [given, ...rest], options }) {
    // `alias ll='ls -l'`, as in sh.
    const equals = rest.length === 0 ? (given?.indexOf('=') ?? -1) : -1;
    const name = equals > 0 ? (given?.slice(0, equals) as Octets) : given;
    const line = equals > 0 ? [given?.slice(equals + 1) as Octets] : rest;
    const key = name === undefined ? undefined : octetsToText(name).toLowerCase();
    if (key !== undefined && options.has('delete')) {
      if (!session.aliases.delete(key)) throw new VtError('EFAILED', `alias -d "${key}": no such alias`);
      return;
    }
    if (key !== undefined && line.length > 0) {
      if (!/^[^\s'"\\;|>&#!@-][^\s'"\\;|>&]*$/.test(key)) throw new UsageError(`alias "${key}": not a name`);
      const [only] = line;
      session.aliases.set(
        key,
        line.length === 1 && only !== undefined ? octetsToText(only) : line.map((word) => shell.quote(word)).join(' '),
      );
      return;
    }
    if (key !== undefined && !session.aliases.has(key)) throw new VtError('EFAILED', `alias "${key}": no such alias`);
    for (const [known, text] of session.aliases) {
      if (key !== undefined && known !== key) continue;
      output.line(`alias ${known} ${text}`);
      output.record({ alias: known, line: text });
    }
  },
});

/** `unalias`: removes aliases. */
export const unalias = defineCommand({
  name: 'unalias',
  group: 'shell',
  summary: 'remove aliases',
  args: [{ name: 'name', kind: 'text', summary: 'an alias', repeat: true }],
  async run(context, { args }) {
    await forEachItem(context, args, async (name) => {
      const key = octetsToText(name).toLowerCase();
      if (!context.session.aliases.delete(key)) throw new VtError('EFAILED', `"${key}": no such alias`);
    });
  },
});
