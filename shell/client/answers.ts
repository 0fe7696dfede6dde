import type { Entry as EntryRecord } from './records.ts';

// The program's answers, in the form that programs use. @see vt(7), "REQUESTS"

/** An object that the program printed. */
export type Answer = Readonly<Record<string, unknown>>;

/** A word of a command: text, or the bytes of a name that is not UTF-8. It is not parsed. */
export type Word = string | Uint8Array;

/** An error of the program, with fields that a caller can act on. */
export class VtftpError extends Error {
  /** Stable: `EUSAGE`, `EMISSING` and so on; undefined where the program ended. */
  readonly code: string | undefined;
  /** The POSIX error name, if there is one: `ENOENT`. */
  readonly errno: string | undefined;
  readonly path: string | undefined;
  readonly remedy: string | undefined;
  /** The exit status for the error. @see vtftp(1), "EXIT STATUS" */
  readonly status: number;
  /** The items that failed, if the others succeeded. */
  readonly failures: readonly VtftpError[];

  constructor(answer: Answer, failures: readonly VtftpError[] = []) {
    const text = (name: string): string | undefined => (typeof answer[name] === 'string' ? answer[name] : undefined);
    super(text('error') ?? text('failure') ?? 'vtftp: failed');
    this.name = 'VtftpError';
    this.code = text('code');
    this.errno = text('errno');
    this.path = text('path');
    this.remedy = text('remedy');
    this.status = typeof answer['status'] === 'number' ? answer['status'] : 1;
    this.failures = failures;
  }
}

/** A name in a tree. */
export interface Entry extends Omit<EntryRecord, 'id' | 'command'> {
  /** The path where it may not be UTF-8. */
  readonly pathBytes: Uint8Array;
}

/** The entry that `stat` or `ls` printed. */
export function entryOf(record: Omit<EntryRecord, 'command'>): Entry {
  return { ...record, pathBytes: bytesOf(record, 'path') };
}

/** The bytes of a text that may not be UTF-8. */
export function bytesOf(answer: object, field: string): Uint8Array {
  const { [field]: text, [`${field}_b64`]: coded } = answer as Answer;
  return typeof coded === 'string' ? Buffer.from(coded, 'base64') : Buffer.from(String(text), 'utf8');
}
