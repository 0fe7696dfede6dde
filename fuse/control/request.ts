import { groupedDigits } from '../../core/base/grouped-digits.ts';
import { type Octets, octetsFromBytes, octetsFromText } from '../../core/base/octets.ts';
import type { Fields } from './fields.ts';

// Requests of a program, over the control channel of a mount or on standard input. @see vt(7), "REQUESTS"

/** Identifies a request. */
export type RequestId = string | number;

/** A line of commands, or the words of one command, which are not parsed further. */
export type Commands = { readonly line: Octets } | { readonly argv: readonly Octets[] };

/** A request as received. Exactly one of the fields after the id is present. */
export interface Request {
  /** Undefined if it cannot be read. */
  readonly id: RequestId | undefined;
  /** What is wrong with it. */
  readonly problem?: string;
  readonly commands?: Commands;
  /** Id of the request to be cancelled. */
  readonly cancel?: RequestId;
  /** A request that only a mount answers. */
  readonly fields?: Fields;
}

/** Bytes of a request, at most, without its newline: a Block of the largest size in base64, with room to spare. */
export const MAX_REQUEST_SIZE = 24 * 1024 * 1024;

/** Words of `argv`, at most; the same limit as for a line. */
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
  // A larger number would be rounded in the answer.
  if (!isId(id)) return { id: undefined, problem: '"id" has to be a text or a whole number below 2^53' };
  return readFields(id, fields);
}

/** The kinds of requests. */
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
    // Node replaces lone surrogates, which would change the word.
    if (typeof each === 'string' && each.isWellFormed()) words.push(octetsFromText(each));
    else if (bytes !== undefined && bytes.toString('base64') === coded) words.push(octetsFromBytes(bytes));
    else return undefined;
  }
  return words;
}
