/** Options of any operation that can wait. */
export interface OpOptions {
  readonly signal?: AbortSignal | undefined;
}
