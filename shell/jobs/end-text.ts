import type { Job } from '../../commands/session.ts';

/** What is printed about a job that has ended: `[1] done: put docs`. */
export function endText({ number, state, line, status }: Job): string {
  return `[${number}] ${state === 'failed' ? `failed (${status})` : state}: ${line}`;
}
