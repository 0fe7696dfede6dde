import { UsageError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';

/** The settings that there are: their values, the first the default, and what they do. */
export const SETTINGS: ReadonlyMap<string, { readonly values: readonly string[]; readonly summary: string }> = new Map([
  ['onerror', { values: ['stop', 'continue'], summary: 'whether a script stops at its first error' }],
  ['glob', { values: ['on', 'off'], summary: 'whether * ? [ ] stand for the names they match' }],
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
  examples: [{ line: 'set onerror continue', says: 'go on after errors; the exit status is that of the last one' }],
  async run({ session, output }, { args }) {
    const [name, value] = args.map((word) => octetsToText(word));
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
