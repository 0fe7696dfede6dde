import { UsageError } from '../../core/base/errors.ts';

/** Computes a new mode from the present one. @param isDir - whether `X` gives x in any case */
export type ModeChange = (mode: number, isDir: boolean) => number;

const WHO_MASK: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };

/**
 * Parses a mode as chmod(1) takes it: octal digits, or clauses such as `u+rwX,go-w,a=r,g+s,+t`.
 *
 * @throws {UsageError} for anything else
 */
export function parseMode(text: string): ModeChange {
  if (/^[0-7]{1,4}$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    return () => mode;
  }
  const clauses = text.split(',').map((clause) => {
    const match = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/.exec(clause);
    if (match === null) throw new UsageError(`change mode "${text}": expected octal digits, or clauses such as u+x,go-w`);
    const who = match[1] === '' ? 'a' : (match[1] ?? 'a');
    const actions = [...(match[2] ?? '').matchAll(/([-+=])([ugo]|[rwxXst]*)/g)].map(([, operator = '', what = '']) => ({ operator, what }));
    return { who, actions };
  });
  return (mode, isDir) => {
    let result = mode;
    for (const { who, actions } of clauses) {
      const mask = [...who].reduce((bits, letter) => bits | (WHO_MASK[letter] ?? 0), 0);
      for (const { operator, what } of actions) {
        const bits = bitsOf(what, result, isDir) & mask;
        // `=` leaves setuid and setgid of a Dir alone, as GNU chmod does, unless they are named.
        const kept = isDir && !what.includes('s') ? 0o6000 : 0;
        if (operator === '+') result |= bits;
        else if (operator === '-') result &= ~bits;
        else result = (result & (~mask | kept)) | bits;
      }
    }
    return result;
  };
}

/** The bits of permission letters, in every class at once. */
function bitsOf(what: string, mode: number, isDir: boolean): number {
  const copied = { u: (mode >> 6) & 7, g: (mode >> 3) & 7, o: mode & 7 }[what];
  if (copied !== undefined) return copied * 0o111;
  let bits = 0;
  for (const letter of what) {
    if (letter === 'r') bits |= 0o444;
    else if (letter === 'w') bits |= 0o222;
    else if (letter === 'x' || (letter === 'X' && (isDir || (mode & 0o111) !== 0))) bits |= 0o111;
    else if (letter === 's') bits |= 0o6000;
    else if (letter === 't') bits |= 0o1000;
  }
  return bits;
}
