import { PathError, VtError } from './errors.ts';
import { errorCode, errorReason, isSystemError } from './system/system-error.ts';

/** The parts of an error's message. */
export interface ErrorParts {
  /** The operation that failed: `open Store`, `remove`. */
  readonly action?: string | undefined;
  /** The object of the operation, as text: a path, the name of a Store, the value of an option. */
  readonly thing?: string | undefined;
  /** The reason: `no such file or directory`. */
  readonly fact: string;
  /** The action only reads, or is the command's own, so it adds nothing to the fact. */
  readonly isPlain: boolean;
}

// `ACTION "THING": FACT`. Quotes within the thing are not escaped, so the first `": ` ends it.
const GRAMMAR = /^(?:([^":]{1,48}) )?"(.*?)": (.*)$/s;

// Messages of a server have the form `Store "NAME": FACT`. "Store" is no action there.
/** Splits a message that follows the grammar of messages. Any other message is a fact as a whole. */
export function messageParts(message: string): ErrorParts {
  const found = GRAMMAR.exec(message);
  if (found === null) return { fact: message, isPlain: false };
  const [, action, thing, fact = ''] = found;
  return { action, thing, fact, isPlain: action === undefined || action === 'Store' };
}

/** Splits the message of any error. */
export function errorParts(error: unknown): ErrorParts {
  if (error instanceof PathError) {
    const fact = error.message.slice(`${error.action} "${error.path}": `.length);
    const action = LOCAL_WRITES[error.action];
    if (action === undefined) return { action: error.action, thing: error.path, fact, isPlain: true };
    // The path is the directory that was to be written to.
    return { action, thing: error.path, fact: error.errno === 'ENOENT' ? 'no such directory' : fact, isPlain: false };
  }
  if (error instanceof VtError || !(error instanceof Error) || !isSystemError(error)) return messageParts(errorReason(error));
  const { syscall, path, dest } = error as typeof error & { readonly dest?: string };
  const action = CALL_ACTIONS[syscall] ?? syscall;
  const thing = path === undefined || dest === undefined ? path : `${path} to ${dest}`;
  return { action, thing, fact: errorReason(error), isPlain: action === 'read' };
}

/** Returns an error whose message names its object. If `error` names none, `thing` is put before its fact. */
export function namedError(error: unknown, thing: string): unknown {
  if (!(error instanceof Error) || errorParts(error).thing !== undefined) return error;
  const text = `"${thing}": ${errorReason(error)}`;
  if (!(error instanceof VtError)) return Object.assign(new Error(text, { cause: error }), { code: errorCode(error) });
  return new VtError(error.code, text, { cause: error, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) });
}

/** Actions on a local path that the user did not type. Their names say that the local side is meant. */
const LOCAL_WRITES: Readonly<Record<string, string>> = { 'write into local': 'write to', 'attach to': 'attach to' };

/** The action of each system call, in plain words. Calls that change nothing are `read`. */
const CALL_ACTIONS: Readonly<Record<string, string>> = {
  access: 'read',
  chdir: 'read',
  chown: 'change the owner of',
  copyfile: 'write to',
  fallocate: 'write to',
  fdatasync: 'write to',
  fstat: 'read',
  fsync: 'write to',
  ftruncate: 'write to',
  lchown: 'change the owner of',
  link: 'make a link of',
  lstat: 'read',
  mkdir: 'make',
  mkdtemp: 'make',
  open: 'read',
  opendir: 'read',
  read: 'read',
  readlink: 'read',
  realpath: 'read',
  rmdir: 'remove',
  scandir: 'read',
  stat: 'read',
  symlink: 'make a symlink of',
  unlink: 'remove',
  utime: 'set the times of',
  write: 'write to',
};
