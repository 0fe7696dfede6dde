import type { Output } from '../command.ts';

/** Prints what would be done under `-n`. */
export function tellPlan(output: Output, what: string): void {
  output.line(`would ${what}`);
  output.record({ plan: what });
}
