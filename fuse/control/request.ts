import { groupedDigits } from '../../core/base/grouped-digits.ts';
import { type Octets, octetsFromBytes, octetsFromText } from '../../core/base/octets.ts';
import type { Fields } from './fields.ts';

// What a program asks, over the control channel of a mount or on standard input. @see vt(7), "REQUESTS"

/** What a request is distinguished by. */
export type RequestId = string | number;

/** A line of commands, or the words of one command, which are taken as they are. */
export type Commands = { readonly line: Octets } | { readonly argv: readonly Octets[] };

/** A request as it came. Exactly one of what follows the id is there. */
export interface Request {
  /** None where it cannot be read. */
  readonly id: RequestId | undefined;
  /** What is wrong with it. */
  readonly problem?: string;
  readonly commands?: Commands;
  /** The request that is to end. */
  readonly cancel?: RequestId;
  /** Something that is asked of a mount alone. */
  readonly fields?: Fields;
}

/** Bytes of a request at most, its newline not counted: a Block of the largest size in base64, and room. */
export const MAX_REQUEST_SIZE = 24 * 1024 * 1024;

/** Words of `argv` at most, as of a line. */
const MAX_WORDS = 131_072;

/** Reads a request. */
export function readRequest(text: string): Request {
  let fields: Fields;
  try {
    fields = JSON.parse(text) as Fields;
  } catch {
    return { id: undefined, problem: 'it is not JSON' };
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return { id: undefined, problem: 'it is no object' };
  const { id } = fields;
  // A larger number would come back as another.
  if (!isId(id)) return { id: undefined, problem: '"id" has to be a text or a whole number below 2^53' };
  return readFields(id, fields);
}

/** What can be asked for. */
const KINDS = ['command', 'argv', 'cancel', 'request'] as const;

function readFields(id: RequestId, fields: Fields): Request {
  const { command, argv, cancel, request } = fields;
  const given = KINDS.filter((kind) => fields[kind] !== undefined);
  if (given.length !== 1) return { id, problem: 'it has to have one of "command", "argv", "cancel" and "request"' };
  if (typeof command === 'string' && command.isWellFormed()) return { id, commands: { line: octetsFromText(command) } };
  if (typeof request === 'string') return { id, fields };
  if (isId(cancel)) return { id, cancel };
  if (Array.isArray(argv) && argv.length > MAX_WORDS)
    return { id, problem: `"argv" has ${groupedDigits(argv.length)} words, where ${groupedDigits(MAX_WORDS)} are allowed` };
  const words = argv === undefined ? undefined : readWords(argv);
  if (words !== undefined) return { id, commands: { argv: words } };
  if (argv !== undefined) return { id, problem: '"argv" has to be a list of texts, or {"b64": …} for other bytes, with a command first' };
  return { id, problem: `"${given[0]}" has to be a text${cancel === undefined ? '' : ' or a number, the id of a request'}` };
}

function isId(value: unknown): value is RequestId {
  return typeof value === 'string' || Number.isSafeInteger(value);
}

function readWords(value: unknown): Octets[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const words: Octets[] = [];
  for (const each of value as unknown[]) {
    const coded = typeof each === 'object' && each !== null ? (each as Fields)['b64'] : undefined;
    const bytes = typeof coded === 'string' ? Buffer.from(coded, 'base64') : undefined;
    // What Node cannot read it passes over: the word would be another one.
    if (typeof each === 'string' && each.isWellFormed()) words.push(octetsFromText(each));
    else if (bytes !== undefined && bytes.toString('base64') === coded) words.push(octetsFromBytes(bytes));
    else return undefined;
  }
  return words;
}
