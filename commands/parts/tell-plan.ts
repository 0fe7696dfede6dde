import type { Output } from '../command.ts';

/** Says what would be done: `-n`. */
export function tellPlan(output: Output, what: string): void {
  output.line(`would ${what}`);
  output.record({ plan: what });
}
