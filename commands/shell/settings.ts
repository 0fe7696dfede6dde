import { UsageError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';

/** The settings that there are: their values, the first the default, and what they do. */
export const SETTINGS: ReadonlyMap<string, { readonly values: readonly string[]; readonly summary: string }> = new Map([
  ['onerror', { values: ['stop', 'continue'], summary: 'whether a script stops at its first error' }],
  ['glob', { values: ['on', 'off'], summary: 'whether * ? [ ] stand for the names they match' }],
  [
    'mime',
    { values: ['leave', 'keep'], summary: 'whether put and mounts keep the MIME type that content is found to have, as user.mime_type' },
  ],
]);

/** `set`: the settings of the session. */
export const set = defineCommand({
  name: 'set',
  group: 'shell',
  summary: 'show the settings, or change one',
  details: [...SETTINGS].map(([name, { values, summary }]) => `${name} (${values.join(' or ')}): ${summary}.`),
  args: [
    { name: 'name', kind: 'setting', summary: 'a setting', optional: true },
    { name: 'value', kind: 'setting', summary: 'its new value', optional: true },
  ],
  examples: [
    { line: 'set onerror continue', says: 'go on after errors; the exit status is that of the last one' },
    { line: 'set mime=keep', says: 'a file without a MIME type gets the one that its name or content tells' },
  ],
  async run({ session, output }, { args }) {
    // Also as in other programs: NAME=VALUE.
    const words = args.map((word) => octetsToText(word));
    const [name, value] = words.length === 1 ? (words[0]?.split('=', 2) ?? []) : words;
    const setting = name === undefined ? undefined : SETTINGS.get(name);
    if (name !== undefined && setting === undefined)
      throw new UsageError(`set "${name}": no such setting`, { remedy: `one of ${[...SETTINGS.keys()].join(', ')}` });
    if (name !== undefined && setting !== undefined && value !== undefined) {
      if (!setting.values.includes(value)) throw new UsageError(`"${name}": expected ${setting.values.join(' or ')}, not ${value}`);
      session.settings.set(name, value);
      return;
    }
    for (const [known, { values }] of SETTINGS) {
      if (name !== undefined && known !== name) continue;
      const current = session.settings.get(known) ?? values[0] ?? '';
      output.line(`${known} ${current}`);
      output.record({ setting: known, value: current });
    }
  },
});
