import { constants } from 'node:os';
import { errnoText } from '../errno-text.ts';
import type { Octets } from '../octets.ts';
import { octetsFromBytes, octetsToText } from '../octets.ts';

/** An Error of a system call, of the same shape as those of node:fs. */
export interface SystemError extends Error {
  /** `ENOENT`, … */
  readonly code: string;
  /** Negative, as Node's. */
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;
}

// Of two names with one number, Node's fs uses the first of these.
const PREFERRED: readonly string[] = ['ENOTSUP', 'EAGAIN'];

/** What Node calls an errno that it has no name for. */
const UNKNOWN_CODE = 'Unknown system error';

let codes: ReadonlyMap<number, string> | undefined;

/** The name of a positive errno: `ENOENT`; `E4711` for one that nobody knows. */
export function errnoName(errno: number): string {
  if (codes === undefined) {
    const map = new Map<number, string>();
    for (const [name, value] of Object.entries(constants.errno)) if (!map.has(value) || PREFERRED.includes(name)) map.set(value, name);
    if (process.platform === 'darwin') map.set(93, 'ENODATA'); // ENOATTR there
    codes = map;
  }
  return codes.get(errno) ?? `E${errno}`;
}

/**
 * The Error for a system call that failed.
 *
 * @param errno - positive, as in C
 * @param path - what it was about, if anything
 */
export function systemError(errno: number, syscall: string, path?: Uint8Array | number): SystemError {
  const code = errnoName(errno);
  const text = errnoText(code, -errno);
  const where = path === undefined || typeof path === 'number' ? undefined : octetsToText(octetsFromBytes(path));
  const message = `${code}: ${text}, ${syscall}${where === undefined ? '' : ` '${where}'`}`;
  return Object.assign(new Error(message), { code, errno: -errno, syscall, ...(where === undefined ? {} : { path: where }) });
}

/** The `code` of a system call's error (`ENOENT`), or undefined for any other value. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  // Node has no name for some, EDQUOT among them.
  return error.code.startsWith(UNKNOWN_CODE) && isSystemError(error) ? errnoName(-error.errno) : error.code;
}

/** A path in bytes as the bytes that node:fs takes. */
export function pathBytes(path: Octets): Buffer {
  return Buffer.from(path, 'latin1');
}

/** What V8 and Node say where the system gives them no memory. */
const NO_MEMORY = /allocation failed|could not allocate memory|failed to allocate memory/i;

/** What a system call's error says, without its code, its call and its path: `permission denied`. Of any other error its message. */
export function errorReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof RangeError && NO_MEMORY.test(error.message)) return 'out of memory: a limit such as ulimit -v leaves too little';
  if (isSystemError(error)) return errnoText(errnoName(-error.errno), error.errno);
  return error.message;
}

/** An error in one clear line: `mkdir "/proc/q": no such file or directory` in place of Node's own order; of any other error its message. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error) || !isSystemError(error)) return errorReason(error);
  const { syscall, path, dest } = error as SystemError & { readonly dest?: string };
  const action = SYSTEM_CALL_ACTIONS[syscall] ?? syscall;
  const where = path === undefined ? '' : ` "${path}"`;
  return `${action}${where}${dest === undefined ? '' : ` to "${dest}"`}: ${errorReason(error)}`;
}

// What a person calls it.
const SYSTEM_CALL_ACTIONS: Readonly<Record<string, string>> = {
  scandir: 'list',
  opendir: 'list',
  lstat: 'stat',
  fstat: 'stat',
  access: 'open',
};

/** Whether an error is one of a system call, as node:fs and {@link systemError} make them. */
export function isSystemError(error: Error): error is SystemError {
  return 'syscall' in error && typeof error.syscall === 'string' && 'errno' in error && typeof error.errno === 'number';
}
