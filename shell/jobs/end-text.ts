import type { Job } from '../../commands/session.ts';

/** The line that reports the end of a job: `[1] done: put docs`. */
export function endText({ number, state, line, status }: Job): string {
  return `[${number}] ${state === 'failed' ? `failed (${status})` : state}: ${line}`;
}
