import { UsageError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';
import type { Session } from '../session.ts';
import { type OptionSpec, optionNamed, optionNames } from '../words/option-spec.ts';
import { checkValue } from '../words/option-value.ts';
import type { RecordSpec } from '../words/record-spec.ts';

/** The prompt where nobody chose another: `vtftp:/docs*> `. */
export const DEFAULT_PROMPT = 'vtftp%n:%w%c%j%t> ';

/** A setting: one row. */
interface SettingSpec extends OptionSpec {
  /** Its default, where it has no choices: of these it is the first. */
  readonly usual?: string;
}

const TIMING: SettingSpec = {
  name: 'timing',
  value: { kind: 'text', choices: ['off', 'on'] },
  summary: 'whether each command tells how long it took, on standard error',
};

/** The settings that there are, each with its default first. */
export const SETTINGS: readonly SettingSpec[] = [
  { name: 'onerror', value: { kind: 'text', choices: ['stop', 'continue'] }, summary: 'whether a script stops at its first error' },
  { name: 'glob', value: { kind: 'text', choices: ['on', 'off'] }, summary: 'whether * ? [ ] are replaced by the names that they match' },
  {
    name: 'mime',
    value: { kind: 'text', choices: ['leave', 'keep'] },
    summary: 'whether put and mounts store the MIME type found from the name or content of a file, as its attribute user.mime_type',
  },
  TIMING,
  { name: 'suggest', value: { kind: 'text', choices: ['on', 'off'] }, summary: 'whether the prompt suggests lines from the history' },
  {
    name: 'prompt',
    value: { kind: 'text', name: 'TEXT' },
    usual: DEFAULT_PROMPT,
    summary:
      'the text of the prompt; empty for the default. %n is the open mount, directory or past state, %w the working path. %c is a * while changes are not saved. %j is the number of running jobs, and %t the bytes of followed files that are not stored yet',
  },
];

const SETTING_RECORD: RecordSpec = { name: 'Setting', summary: 'a setting', fields: { setting: 'text', value: 'text' } };

/** `set`: the settings of the session. */
export const set = defineCommand({
  name: 'set',
  group: 'shell',
  summary: 'show the settings, or change one',
  details: SETTINGS.map(
    ({ name, value, usual, summary }) => `${name} (${value?.choices?.join(' or ') ?? `text; default '${usual}'`}): ${summary}.`,
  ),
  args: [
    { name: 'name', kind: 'setting', summary: 'a setting', optional: true },
    { name: 'value', kind: 'setting', summary: 'its new value', optional: true },
  ],
  examples: [
    { line: 'set onerror continue', says: 'continues after errors; the exit status is that of the last error' },
    { line: "set prompt '%w%c> '", says: 'sets a short prompt; put the line into the rc file for every session' },
    { line: 'set mime=keep', says: 'gives a file without a MIME type the one found from its name or content' },
  ],
  records: [SETTING_RECORD],
  async run({ session, output }, { args }) {
    // Also as in other programs: NAME=VALUE.
    const words = args.map((word) => octetsToText(word));
    const [name, value] = words.length === 1 ? (words[0]?.split('=', 2) ?? []) : words;
    const setting = name === undefined ? undefined : optionNamed(SETTINGS, name);
    if (name !== undefined && setting === undefined)
      throw new UsageError(`set "${name}": no such setting`, { remedy: `one of ${optionNames(SETTINGS).join(', ')}` });
    if (setting !== undefined && value !== undefined) {
      checkValue(`set ${setting.name}`, setting, value);
      // A text without a single character would be no prompt.
      if (value === '' && setting.value?.choices === undefined) session.settings.delete(setting.name);
      else session.settings.set(setting.name, value);
      return;
    }
    for (const shown of currentSettings(session)) {
      if (setting !== undefined && shown.name !== setting.name) continue;
      output.line(`${shown.name} ${shown.value}`);
      output.record({ setting: shown.name, value: shown.value });
    }
  },
});

/** `timing`: the setting of that name, as psql has it. */
export const timing = defineCommand({
  name: 'timing',
  group: 'shell',
  summary: 'tell how long each command takes, or stop that',
  details: ['Without a word timing changes from off to on, or back. It is the same as `set timing`.'],
  args: [{ name: 'value', kind: 'text', summary: 'on or off', optional: true }],
  records: [SETTING_RECORD],
  async run({ session, output }, { args: [word] }) {
    const value = word === undefined ? (session.settings.get('timing') === 'on' ? 'off' : 'on') : octetsToText(word);
    checkValue('timing', TIMING, value);
    session.settings.set(TIMING.name, value);
    output.line(`timing ${value}`);
    output.record({ setting: TIMING.name, value });
  },
});

/** Each setting with its value in a session. */
export function currentSettings({ settings }: Pick<Session, 'settings'>): { name: string; value: string; isDefault: boolean }[] {
  return SETTINGS.map(({ name, value: spec, usual = spec?.choices?.[0] ?? '' }) => {
    const value = settings.get(name) ?? usual;
    return { name, value, isDefault: value === usual };
  });
}
