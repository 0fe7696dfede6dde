import { VtError } from '../base/errors.ts';
import type { RightsHolder } from './rights-line.ts';

/** A client lacks a right, or lost it. */
export class RightError extends VtError {
  constructor(message: string) {
    super('EPERM', message);
  }
}

/** The text of an error about a missing right. */
export function lackOf({ name }: RightsHolder, right: string): string {
  return `"${name}" does not have the right ${right}`;
}

/** The error for a client whose rights were withdrawn. */
export function noLonger({ name }: RightsHolder): RightError {
  return new RightError(`"${name}" no longer has rights here`);
}
