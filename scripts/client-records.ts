import { COMMANDS } from '../commands/all-commands.ts';
import type { FieldSpec, RecordFields } from '../commands/words/record-spec.ts';
import { ANY_COMMAND_RECORDS } from '../shell/output/message-records.ts';
import { type PrintedRecord, plainParts, printedRecords } from '../shell/output/schema.ts';

// The types of the client. Like the JSON Schema, they are generated from the command table.

/** Maximum columns of a line, as in biome.json. */
const WIDTH = 140;

/** The text of shell/client/records.ts. */
export function clientRecords(): string {
  const records = printedRecords(COMMANDS);
  const byCommand = COMMANDS.filter(({ records: own = [] }) => own.length > 0).map(({ name, records: own = [] }) =>
    unionLine(
      `  readonly ${/^\w+$/.test(name) ? name : `'${name}'`}:`,
      own.map((spec) => spec.name),
    ),
  );
  return [
    '// Made from the command table by scripts/build-client-records.ts.',
    '',
    ...records.flatMap(recordLines),
    unionLine(
      '/** What any command may print beside its own objects. */\nexport type AnyRecord =',
      ANY_COMMAND_RECORDS.map(({ name }) => name),
    ),
    '',
    '/** The objects of each command that has some of its own. */',
    'export interface Records {',
    ...byCommand,
    '}',
    '',
  ].join('\n');
}

function unionLine(start: string, names: readonly string[]): string {
  const line = `${start} ${names.join(' | ')};`;
  return line.slice(line.lastIndexOf('\n') + 1).length <= WIDTH ? line : `${start}\n${names.map((name) => `    | ${name}`).join('\n')};`;
}

function recordLines({ spec, commands }: PrintedRecord): string[] {
  const { name, summary, fields } = spec;
  const start = summary.charAt(0).toUpperCase() + summary.slice(1);
  const command =
    commands === undefined
      ? '  readonly command?: string;'
      : unionLine(
          '  readonly command:',
          commands.map((each) => `'${each}'`),
        );
  return [
    `/** ${start}. */`,
    `export interface ${name} {`,
    '  readonly id?: string | number;',
    '  readonly job?: number;',
    command,
    ...fieldLines(fields, '  '),
    '}',
    '',
  ];
}

function fieldLines(fields: RecordFields, indent: string): string[] {
  return Object.entries(fields).flatMap(([name, spec]) => {
    const { type, isOptional, isName } = typeOf(spec, indent);
    const mark = isOptional ? '?' : '';
    const coded = isName
      ? [`${indent}/** The bytes of \`${name}\` in base64, where they are not UTF-8. */`, `${indent}readonly ${name}_b64?: string;`]
      : [];
    return [`${indent}readonly ${name}${mark}: ${type};`, ...coded];
  });
}

const PLAIN: Readonly<Record<string, string>> = { integer: 'number', number: 'number', boolean: 'boolean', true: 'true', any: 'unknown' };

function typeOf(spec: FieldSpec, indent: string): { readonly type: string; readonly isOptional: boolean; readonly isName: boolean } {
  if (typeof spec === 'string') {
    const { type, isNullable, isList, isOptional } = plainParts(spec);
    const plain = PLAIN[type] ?? 'string';
    const item = isNullable ? `${plain} | null` : plain;
    return { type: !isList ? item : isNullable ? `readonly (${item})[]` : `readonly ${item}[]`, isOptional, isName: type === 'name' };
  }
  const isOptional = spec.optional === true;
  if ('choices' in spec) return { type: spec.choices.map((each) => `'${each}'`).join(' | '), isOptional, isName: false };
  const object = ['{', ...fieldLines(spec.fields, `${indent}  `), `${indent}}`].join('\n');
  return { type: spec.list === true ? `readonly ${object}[]` : object, isOptional, isName: false };
}
