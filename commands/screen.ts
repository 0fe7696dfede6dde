/** One of several choices. */
export interface Choice {
  /** A name that no other choice has. */
  readonly name: string;
  /** Shown behind the name. */
  readonly hint?: string;
}

/** The whole terminal, lent to a view that handles keys. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /**
   * Shows lines from the top on, in place of what was shown. A line may have styles of the output; it must fit in the columns.
   *
   * @param marked - the line that is shown in reverse
   */
  draw(lines: readonly string[], marked?: number): void;
  /**
   * The next key: its character, or `up`, `down`, `left`, `right`, `pageup`, `pagedown`, `home`, `end`, `return`, `backspace`,
   * `escape`. `resize` says that the terminal has another size. `undefined` is the end: Ctrl-C, a signal, or a terminal that is gone.
   */
  key(): Promise<string | undefined>;
  /** Fires on Ctrl-C, or when the command is cancelled. */
  readonly signal: AbortSignal;
}
