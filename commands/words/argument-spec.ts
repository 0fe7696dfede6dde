/**
 * What an argument names: decides globbing, completion and how it is handed over. `stored` is a path in the tree. `local` is a
 * local path; `local directory` and `mount` (a mount point) are local paths of that sort. `reference` is a pasted text form, or
 * something that `open` takes. `state` is `@N`, `@DATE` or `@TAG`. `number` is a decimal with an optional sign, and `line` is the rest of the line as it was typed.
 */
export type ArgumentKind =
  | 'stored'
  | 'local'
  | 'local directory'
  | 'mount'
  | 'reference'
  | 'store'
  | 'date'
  | 'state'
  | 'text'
  | 'number'
  | 'command'
  | 'setting'
  | 'bookmark'
  | 'peer'
  | 'line';

/** An argument of a command: one row. */
export interface ArgumentSpec {
  readonly name: string;
  readonly kind: ArgumentKind;
  readonly summary: string;
  readonly optional?: boolean;
  /** More kinds that completion offers. */
  readonly completes?: readonly ArgumentKind[];
  /** Takes any number of words; at most one argument of a command. Arguments after it take the last words: `cp FROM… TO`. */
  readonly repeat?: boolean;
  /**
   * Unquoted `* ? [ ]` expand; true for `stored` and `local` arguments unless said otherwise. `pattern` hands the word over as a
   * pattern, in which a backslash is before what was quoted. `refused` makes an unquoted pattern an error: a new name that looks
   * like one was hardly meant.
   */
  readonly glob?: boolean | 'pattern' | 'refused';
}

/** Whether an argument of a kind names something local. */
export function isLocalKind(kind: ArgumentKind): boolean {
  return kind === 'local' || kind === 'local directory' || kind === 'mount';
}
