import type { VtErrorCode } from '../core/base/errors.ts';

/** The exit statuses of the program: part of its interface, never renumbered. @see vtftp(1), "EXIT STATUS" */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  partial: 3,
  open: 10,
  readOnly: 11,
  notPermitted: 12,
  damaged: 13,
  interrupted: 130,
  outputClosed: 141,
  terminated: 143,
} as const;

/** Rows of the table in the man page. */
export const EXIT_TEXTS: readonly (readonly [status: number, text: string])[] = [
  [EXIT.done, 'Done.'],
  [EXIT.failed, 'A command failed.'],
  [EXIT.usage, 'The command line is not valid.'],
  [EXIT.partial, 'A part of the work failed. The standard error names the failures.'],
  [EXIT.open, 'A source, Store, socket or recorded state cannot be opened.'],
  [EXIT.readOnly, 'Something is read-only, or locked.'],
  [EXIT.notPermitted, 'Permission denied by the system.'],
  [EXIT.damaged, 'Blocks are missing or damaged, or data of a tree, an archive or a peer is malformed.'],
  [EXIT.interrupted, 'SIGINT (Ctrl-C) ended the session.'],
  [EXIT.outputClosed, 'The reader of the standard output has closed it (SIGPIPE).'],
  [EXIT.terminated, 'SIGTERM or SIGHUP ended the session.'],
];

const BY_CODE: Readonly<Record<VtErrorCode, number>> = {
  EPARSE: EXIT.damaged,
  EMISSING: EXIT.damaged,
  ECORRUPT: EXIT.damaged,
  EOPEN: EXIT.open,
  EREADONLY: EXIT.readOnly,
  ELOCKED: EXIT.readOnly,
  ECLOSED: EXIT.failed,
  EUNSUPPORTED: EXIT.failed,
  ECANCELLED: EXIT.interrupted,
  EUSAGE: EXIT.usage,
  EPARTIAL: EXIT.partial,
  EPERM: EXIT.notPermitted,
  EFULL: EXIT.failed,
  EFAILED: EXIT.failed,
};

/** Errors of system calls that have a row of their own; any other is a failed command. */
const BY_ERRNO: Readonly<Record<string, number>> = {
  EACCES: EXIT.notPermitted,
  EPERM: EXIT.notPermitted,
  EROFS: EXIT.readOnly,
};

/** The exit status for any thrown value, always one from the table. */
export function exitStatusOf(error: unknown): number {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') return EXIT.failed;
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code as VtErrorCode];
  return BY_ERRNO[code] ?? EXIT.failed;
}
