import type { Octets } from '../../core/base/octets.ts';

/** Something that the word before the cursor may become, or the last element of its path. */
export interface Candidate {
  readonly text: Octets;
  /** How many bytes of the word are before it, as they were typed: the folder of a path. */
  readonly after?: number;
  /** What it is, for who looks at the list. */
  readonly says?: string | undefined;
  /** It continues after this: a Dir. */
  readonly isOpen: boolean;
  /** It is in the line as it is: an option, a verb. */
  readonly isVerbatim?: boolean;
}
