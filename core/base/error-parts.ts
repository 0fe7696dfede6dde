import { PathError, VtError } from './errors.ts';
import { errorCode, errorReason, isSystemError } from './system/system-error.ts';

/** What an error says, taken apart. */
export interface ErrorParts {
  /** What was being done: `open Store`, `remove`. */
  readonly action?: string | undefined;
  /** What it was done to, as text: a path, the name of a Store, the value of an option. */
  readonly thing?: string | undefined;
  /** What was found: `no such file or directory`. */
  readonly fact: string;
  /** The action is one that looks, or the command's own: it adds nothing to the fact. */
  readonly isPlain: boolean;
}

// `ACTION "THING": FACT`. The thing is shown as it is: quotes in it are not escaped, so the first `": ` ends it.
const GRAMMAR = /^(?:([^":]{1,48}) )?"(.*?)": (.*)$/s;

// `Store "NAME": FACT` is what a server says: nothing is done to the Store.
/** Takes a message apart that follows the grammar of messages; any other is a fact. */
export function messageParts(message: string): ErrorParts {
  const found = GRAMMAR.exec(message);
  if (found === null) return { fact: message, isPlain: false };
  const [, action, thing, fact = ''] = found;
  return { action, thing, fact, isPlain: action === undefined || action === 'Store' };
}

/** Takes any error apart. */
export function errorParts(error: unknown): ErrorParts {
  if (error instanceof PathError) {
    const fact = error.message.slice(`${error.action} "${error.path}": `.length);
    const action = LOCAL_WRITES[error.action];
    if (action === undefined) return { action: error.action, thing: error.path, fact, isPlain: true };
    // It is the directory that something was to be written to.
    return { action, thing: error.path, fact: error.errno === 'ENOENT' ? 'no such directory' : fact, isPlain: false };
  }
  if (error instanceof VtError || !(error instanceof Error) || !isSystemError(error)) return messageParts(errorReason(error));
  const { syscall, path, dest } = error as typeof error & { readonly dest?: string };
  const action = CALL_ACTIONS[syscall] ?? syscall;
  const thing = path === undefined || dest === undefined ? path : `${path} to ${dest}`;
  return { action, thing, fact: errorReason(error), isPlain: action === 'read' };
}

/** An error that names what it is about: one that names nothing gets the thing before its fact. */
export function namedError(error: unknown, thing: string): unknown {
  if (!(error instanceof Error) || errorParts(error).thing !== undefined) return error;
  const text = `"${thing}": ${errorReason(error)}`;
  if (!(error instanceof VtError)) return Object.assign(new Error(text, { cause: error }), { code: errorCode(error) });
  return new VtError(error.code, text, { cause: error, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) });
}

/** Actions on a local path that a command was not told in so many words: there the action says which side is meant. */
const LOCAL_WRITES: Readonly<Record<string, string>> = { 'write into local': 'write to', 'attach to': 'attach to' };

/** What a person calls a system call; those that only look are `read`. */
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
