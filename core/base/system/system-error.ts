import { constants } from 'node:os';
import { errnoText } from '../errno-text.ts';
import type { Octets } from '../octets.ts';
import { octetsFromBytes, octetsToText } from '../octets.ts';

/** An error of a system call, with the same fields as those of node:fs. */
export interface SystemError extends Error {
  /** `ENOENT`, … */
  readonly code: string;
  /** Negative, as Node's. */
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;
}

// If two names have the same number, Node's fs uses these.
const PREFERRED: readonly string[] = ['ENOTSUP', 'EAGAIN'];

/** The start of Node's code for an errno that it has no name for. */
const UNKNOWN_CODE = 'Unknown system error';

let codes: ReadonlyMap<number, string> | undefined;

/** The name of a positive errno: `ENOENT`; `E4711` for an unknown one. */
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
 * Makes the error of a failed system call.
 *
 * @param errno - positive, as in C
 * @param path - the path of the call, if any; a descriptor is ignored
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
  // Node has no name for some, such as EDQUOT.
  return error.code.startsWith(UNKNOWN_CODE) && isSystemError(error) ? errnoName(-error.errno) : error.code;
}

/** Converts a path to the bytes that node:fs accepts. */
export function pathBytes(path: Octets): Buffer {
  return Buffer.from(path, 'latin1');
}

/** Messages of V8 and Node when memory runs out. */
const NO_MEMORY = /allocation failed|could not allocate memory|failed to allocate memory/i;

/** The text of a system call's error, without code, call and path: `permission denied`. For any other error, its message. */
export function errorReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof RangeError && NO_MEMORY.test(error.message)) return 'out of memory: a limit such as ulimit -v leaves too little';
  if (isSystemError(error)) return errnoText(errnoName(-error.errno), error.errno);
  return error.message;
}

/** Formats a system call's error in our grammar: `mkdir "/proc/q": no such file or directory`. For any other error, its message. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error) || !isSystemError(error)) return errorReason(error);
  const { syscall, path, dest } = error as SystemError & { readonly dest?: string };
  const action = SYSTEM_CALL_ACTIONS[syscall] ?? syscall;
  const where = path === undefined ? '' : ` "${path}"`;
  return `${action}${where}${dest === undefined ? '' : ` to "${dest}"`}: ${errorReason(error)}`;
}

// Actions in plain words; other calls are shown by their names.
const SYSTEM_CALL_ACTIONS: Readonly<Record<string, string>> = {
  scandir: 'list',
  opendir: 'list',
  lstat: 'stat',
  fstat: 'stat',
  access: 'open',
};

/** Whether an error is that of a system call, as node:fs and {@link systemError} make them. */
export function isSystemError(error: Error): error is SystemError {
  return 'syscall' in error && typeof error.syscall === 'string' && 'errno' in error && typeof error.errno === 'number';
}
