import type { Command } from '../../commands/command.ts';
import type { FieldSpec, RecordFields, RecordSpec } from '../../commands/words/record-spec.ts';
import { ANY_COMMAND_RECORDS, MESSAGE_RECORDS } from './message-records.ts';

// The JSON Schema of output under `--json`, generated from the command table. @see https://json-schema.org/draft/2020-12

/** A schema, as JSON. */
export type Schema = Readonly<Record<string, unknown>>;

/** A record and the commands that print it. */
export interface PrintedRecord {
  readonly spec: RecordSpec;
  /** Names of commands; undefined for a record of any command or of the program itself. */
  readonly commands: readonly string[] | undefined;
}

/** Each record once, in the order of the commands. */
export function printedRecords(commands: readonly Command[]): readonly PrintedRecord[] {
  const found = new Map<string, { readonly spec: RecordSpec; readonly commands: string[] }>();
  for (const { name, records = [] } of commands) {
    for (const spec of records) {
      const known = found.get(spec.name);
      if (known === undefined) found.set(spec.name, { spec, commands: [name] });
      else known.commands.push(name);
    }
  }
  return [...found.values(), ...[...ANY_COMMAND_RECORDS, ...MESSAGE_RECORDS].map((spec) => ({ spec, commands: undefined }))];
}

/**
 * The schema of every object that is printed under `--json`.
 *
 * @param only - restricts it to the objects of this command
 */
export function outputSchema(commands: readonly Command[], only?: Command): Schema {
  const records = printedRecords(commands).filter((record) => only === undefined || record.commands?.includes(only.name) === true);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: only === undefined ? 'Objects that vtftp prints under --json' : `Objects that ${only.name} prints under --json`,
    description: 'One object a line. Later versions may add fields and objects, but change none.',
    anyOf: records.map(({ spec }) => ({ $ref: `#/$defs/${spec.name}` })),
    $defs: Object.fromEntries(records.map((record) => [record.spec.name, recordSchema(record)])),
  };
}

/** The properties that name an object's request and command. */
function tagProperties(commands: readonly string[] | undefined): Record<string, Schema> {
  return {
    id: { type: ['string', 'integer'], description: 'of the request' },
    job: { type: 'integer', description: 'of the job that printed it' },
    command: { type: 'string', ...(commands === undefined ? {} : { enum: commands }) },
  };
}

function recordSchema({ spec, commands }: PrintedRecord): Schema {
  const { properties, required } = objectParts(spec.fields);
  return {
    description: spec.summary,
    type: 'object',
    properties: { ...tagProperties(commands), ...properties },
    required: [...(commands === undefined ? [] : ['command']), ...required],
  };
}

function objectParts(fields: RecordFields): { readonly properties: Record<string, Schema>; readonly required: readonly string[] } {
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  for (const [name, spec] of Object.entries(fields)) {
    const { schema, isOptional, isName } = fieldSchema(spec);
    properties[name] = schema;
    if (isName) properties[`${name}_b64`] = { ...BASE64, description: `the bytes of ${name}, where they are not UTF-8` };
    if (!isOptional) required.push(name);
  }
  return { properties, required };
}

const BASE64: Schema = { type: 'string', contentEncoding: 'base64' };

const PLAIN: Readonly<Record<string, Schema>> = {
  text: { type: 'string' },
  name: { type: 'string' },
  integer: { type: 'integer' },
  number: { type: 'number' },
  boolean: { type: 'boolean' },
  true: { const: true },
  time: { type: 'string', description: 'ISO 8601, in UTC' },
  base64: BASE64,
  any: {},
};

/** The parts of a plain field's text: its type, `|null`, `[]` and `?`. */
export function plainParts(text: string): {
  readonly type: string;
  readonly isNullable: boolean;
  readonly isList: boolean;
  readonly isOptional: boolean;
} {
  const [, type = '', nullable, list, optional] = /^(\w+)(\|null)?(\[\])?(\?)?$/.exec(text) ?? [];
  return { type, isNullable: nullable !== undefined, isList: list !== undefined, isOptional: optional !== undefined };
}

function fieldSchema(spec: FieldSpec): { readonly schema: Schema; readonly isOptional: boolean; readonly isName: boolean } {
  if (typeof spec === 'string') {
    const { type, isNullable, isList, isOptional } = plainParts(spec);
    const plain = PLAIN[type] ?? {};
    const item = isNullable ? { ...plain, type: [plain['type'], 'null'] } : plain;
    return { schema: isList ? { type: 'array', items: item } : item, isOptional, isName: type === 'name' };
  }
  const isOptional = spec.optional === true;
  if ('choices' in spec) return { schema: { type: 'string', enum: spec.choices }, isOptional, isName: false };
  const { properties, required } = objectParts(spec.fields);
  const object = { type: 'object', properties, required };
  return { schema: spec.list === true ? { type: 'array', items: object } : object, isOptional, isName: false };
}
