import { defineCommand } from '../command.ts';
import { currentSettings } from './settings.ts';

/** `config`: what the session goes by. */
export const config = defineCommand({
  name: 'config',
  group: 'shell',
  summary: 'show the Store, files and settings of the session, and the origin of each',
  details: [
    'Each line has a name, its value, and its origin in brackets: an option such as -S, an environment variable, or the configuration file.',
  ],
  examples: [{ line: 'config', says: 'shows among others which configuration file is read' }],
  records: [
    {
      name: 'ConfigItem',
      summary: 'a setting of the session and its origin',
      fields: { name: 'text', value: 'text|null', from: 'text', absent: 'true?' },
    },
  ],
  async run({ session, shell, output }) {
    const settings = currentSettings(session).map(({ name, value, isDefault }) => ({ name, value, from: isDefault ? 'default' : 'set' }));
    for (const { name, value, from, ...more } of [...shell.origins(), ...settings]) {
      const isAbsent = 'isAbsent' in more;
      output.line(`${name.padEnd(14)} ${value ?? 'none'}  ${output.style('dim', `(${from}${isAbsent ? '; not there' : ''})`)}`);
      output.record({ name, value: value ?? null, from, ...(isAbsent ? { absent: true } : {}) });
    }
  },
});
