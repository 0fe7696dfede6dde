import { Validator } from '@cfworker/json-schema';
import { COMMANDS } from '../../../commands/all-commands.ts';
import { outputSchema, type Schema } from '../../../shell/output/schema.ts';

/** A schema that takes no field but those which it names: what is printed is to be what is declared. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in inner && inner['type'] === 'object' ? { ...inner, additionalProperties: false } : inner;
}

interface Declared {
  readonly name: string;
  readonly commands: readonly string[] | undefined;
  readonly validator: Validator;
}

let declared: readonly Declared[] | undefined;

function declaredRecords(): readonly Declared[] {
  declared ??= Object.entries(outputSchema(COMMANDS)['$defs'] as Record<string, Schema>).map(([name, schema]) => {
    const command = (schema['properties'] as Record<string, Schema>)['command'];
    return {
      name,
      commands: command?.['enum'] as string[] | undefined,
      validator: new Validator(closed(schema) as Schema, '2020-12', false),
    };
  });
  return declared;
}

/** What is wrong with the objects that were printed under `--json`, by the command table: a text for each that is not declared. */
export function undeclaredRecords(printed: string): string[] {
  return printed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .flatMap((line) => {
      const fault = faultOf(JSON.parse(line) as Record<string, unknown>);
      return fault === undefined ? [] : [`${fault}: ${line.slice(0, 300)}`];
    });
}

function faultOf(record: Readonly<Record<string, unknown>>): string | undefined {
  const own = declaredRecords().filter(({ commands }) => commands === undefined || commands.includes(String(record['command'])));
  const faults: { readonly name: string; readonly errors: readonly string[] }[] = [];
  for (const { name, validator } of own) {
    const { valid, errors } = validator.validate(record);
    if (valid) return undefined;
    faults.push({ name, errors: errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`) });
  }
  faults.sort((a, b) => a.errors.length - b.errors.length);
  const [nearest] = faults;
  return `no declared object${nearest === undefined ? '' : `, not ${nearest.name}: ${nearest.errors.join('; ')}`}`;
}
