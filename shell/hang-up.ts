import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * Lets the process end in order though its terminal has been closed. At its end Node puts terminals back into the state in which
 * it found them (`ResetStdio` in node.cc). It aborts with a core dump where that fails. A descriptor that is another file by then
 * is left alone.
 *
 * @param fds - the standard descriptors that were terminals when the program began
 */
export function outliveTerminals(fds: readonly number[]): void {
  process.once('exit', () => {
    for (const fd of fds) {
      // A terminal that was hung up answers no question about its state.
      if (isatty(fd)) continue;
      try {
        closeSync(fd);
        openSync('/dev/null', 'r+'); // takes the lowest descriptor that is free: the same
      } catch {
        // Nobody is there to read it.
      }
    }
  });
}
