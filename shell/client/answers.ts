// What the program answers, as programs have it. @see vt(7), "REQUESTS"

/** An object that the program printed. */
export type Answer = Readonly<Record<string, unknown>>;

/** A word of a command: text, or the bytes of a name that is not UTF-8. It is taken as it is. */
export type Word = string | Uint8Array;

/** What went wrong, with what a program can act on. */
export class VtftpError extends Error {
  /** Stable: `EUSAGE`, `EMISSING` and so on; undefined where the program ended. */
  readonly code: string | undefined;
  /** The POSIX name, where there is one: `ENOENT`. */
  readonly errno: string | undefined;
  readonly path: string | undefined;
  readonly remedy: string | undefined;
  /** The exit status that the error stands for. @see vtftp(1), "EXIT STATUS" */
  readonly status: number;
  /** Items that failed, where the rest was done. */
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
export interface Entry {
  /** Absolute. */
  readonly path: string;
  /** The same where it may not be UTF-8. */
  readonly pathBytes: Uint8Array;
  readonly name: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'chardev' | 'blockdev';
  /** In bytes. */
  readonly size: number;
  /** Permission bits in octal: `0644`. */
  readonly mode: string;
  readonly nlink: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly user?: string;
  readonly group?: string;
  /** ISO 8601, with nanoseconds. */
  readonly mtime?: string;
}

/** The entry that `stat` or `ls` printed. */
export function entryOf(answer: Answer): Entry {
  return { ...(answer as unknown as Entry), pathBytes: bytesOf(answer, 'path') };
}

/** The bytes of a text that may not be UTF-8. */
export function bytesOf(answer: Answer, field: string): Uint8Array {
  const coded = answer[`${field}_b64`];
  return typeof coded === 'string' ? Buffer.from(coded, 'base64') : Buffer.from(String(answer[field]), 'utf8');
}

/** A recorded state of an archive. */
export interface State {
  readonly number: number;
  /** ISO 8601, with nanoseconds. */
  readonly when: string;
  /** The Dirent of its top Dir, as text. */
  readonly reference: string;
  readonly host?: string;
  readonly user?: string;
  /** The lines that made it. */
  readonly commands?: string;
  readonly message?: string;
  readonly tags?: readonly string[];
}

/** One difference of two states. */
export interface Change {
  readonly change: string;
  readonly path: string;
  readonly type?: string;
}
