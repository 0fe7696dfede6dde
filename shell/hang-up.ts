import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * Lets the process end normally after its terminal was closed. At its end Node restores the initial state of terminals
 * (`ResetStdio` in node.cc), and aborts with a core dump if that fails. It skips a descriptor that is another file by then.
 *
 * @param fds - the standard descriptors that were terminals when the program began
 */
export function outliveTerminals(fds: readonly number[]): void {
  process.once('exit', () => {
    for (const fd of fds) {
      // isatty is false for a terminal that was hung up.
      if (isatty(fd)) continue;
      try {
        closeSync(fd);
        openSync('/dev/null', 'r+'); // gets the lowest free descriptor, which is fd
      } catch {
        // The error cannot be shown: the terminal is closed.
      }
    }
  });
}
