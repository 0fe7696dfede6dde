/**
 * A plain value of a record. `name` is bytes of a name: a second field NAME_b64 has them where they are not UTF-8. `time` is ISO 8601 in
 * UTC, `base64` bytes, `any` whatever the command has there.
 */
type Plain = 'text' | 'name' | 'integer' | 'number' | 'boolean' | 'true' | 'time' | 'base64' | 'any';

/** A plain value; `[]` is a list of it, `|null` may be null, `?` may be absent. */
export type PlainField = `${Plain}${'' | '[]' | '|null' | '|null[]'}${'' | '?'}`;

/** One of a few words. */
export interface ChoiceField {
  readonly choices: readonly string[];
  readonly optional?: boolean;
}

/** An object of its own, or a list of such. */
export interface NestedField {
  readonly fields: RecordFields;
  readonly list?: boolean;
  readonly optional?: boolean;
}

/** What a field holds. */
export type FieldSpec = PlainField | ChoiceField | NestedField;

/** The fields of an object, by name. */
export type RecordFields = { readonly [name: string]: FieldSpec };

/** An object that a command prints under `--json`: one row. Schema, help, man page and the types of the client come from it. */
export interface RecordSpec {
  /** Its name in the schema and among the types: `Entry`. Specs of one name are one. */
  readonly name: string;
  /** What it is, as half a sentence. */
  readonly summary: string;
  /** All but `id` and `command`, which every record of a command has. */
  readonly fields: RecordFields;
}
