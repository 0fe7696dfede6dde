import type { ServerResponse } from 'node:http';
import { CorruptBlockError, MissingBlockError, ParseError, PathError, VtError } from '../base/errors.ts';
import { RightError } from '../rights/right-error.ts';
import { NoStateError } from './past/recorded-state.ts';

/** Answers with a status and one line with the reason. It is not cached: what is missing may arrive. */
export function sendProblem(
  response: ServerResponse,
  status: number,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = `${status}: ${reason}\n`;
  response
    .writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    })
    .end(body);
}

/** The status and reason of an error. A reason names nothing that the client may not know. */
export function problemOf(error: unknown): { readonly status: number; readonly reason: string } {
  if (error instanceof MissingBlockError) return { status: 404, reason: 'a Block of this is not in the Store' };
  if (error instanceof CorruptBlockError) return { status: 500, reason: 'a Block of this is damaged' };
  if (error instanceof ParseError) return { status: 400, reason: error.message };
  if (error instanceof PathError)
    return ['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR'].includes(error.errno)
      ? { status: 404, reason: 'nothing is here' }
      : { status: 500, reason: error.message };
  if (error instanceof NoStateError) return { status: 404, reason: error.message };
  if (error instanceof VtError && (error.code === 'EOPEN' || error.code === 'EUSAGE')) return { status: 404, reason: 'nothing is here' };
  if (error instanceof VtError && error.code === 'EFULL') return { status: 507, reason: error.message };
  if (error instanceof RightError) return { status: 403, reason: error.message };
  if (error instanceof VtError && error.code === 'EUNSUPPORTED') return { status: 501, reason: error.message };
  return { status: 500, reason: 'it cannot be read' };
}
