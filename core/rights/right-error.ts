import { VtError } from '../base/errors.ts';
import type { RightsHolder } from './rights-line.ts';

/** Somebody does not have a right, or none any more. */
export class RightError extends VtError {
  constructor(message: string) {
    super('EPERM', message);
  }
}

/** The error about a right that somebody does not have. */
export function lackOf({ name }: RightsHolder, right: string): string {
  return `"${name}" does not have the right ${right}`;
}

/** What somebody is told whose rights were taken away. */
export function noLonger({ name }: RightsHolder): RightError {
  return new RightError(`"${name}" no longer has rights here`);
}
