/** One fact about how the Store is getting on. */
export interface StatusItem {
  /** `archive`, `tail`, `store`, `journal`, `disk`, `scrub`. */
  readonly what: string;
  /** For people. */
  readonly text: string;
  /** What needs care; undefined where all is well. */
  readonly trouble: string | undefined;
  /** For programs: numbers, and texts that tell one from another. */
  readonly record: Readonly<Record<string, unknown>>;
}
