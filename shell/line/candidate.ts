import type { Octets } from '../../core/base/octets.ts';

/** A completion of the word before the cursor, or of the last element of its path. */
export interface Candidate {
  readonly text: Octets;
  /** Octets of the typed word that stay before it: the folder of a path. */
  readonly after?: number;
  /** A description for the list. */
  readonly says?: string | undefined;
  /** Whether the word may continue after it: a Dir. */
  readonly isOpen: boolean;
  /** Whether it is never quoted: an option or a command name. */
  readonly isVerbatim?: boolean;
}
