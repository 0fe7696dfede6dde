/** One item of the status of a Store. */
export interface StatusItem {
  /** `archive`, `tail`, `store`, `journal`, `disk`, `scrub`. */
  readonly what: string;
  /** The item as text for users. */
  readonly text: string;
  /** What is wrong; undefined if all is well. */
  readonly trouble: string | undefined;
  /** The item for programs: numbers, and texts that identify it. */
  readonly record: Readonly<Record<string, unknown>>;
}
