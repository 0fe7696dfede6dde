import { UsageError } from '../../core/base/errors.ts';
import { defineCommand } from '../command.ts';

/** `quit`: sync, recite, leave. */
export const quit = defineCommand({
  name: 'quit',
  aliases: ['exit', 'bye'],
  group: 'leave',
  summary: "save, print the tree's reference, and leave",
  details: [
    "The last line of the standard output is the tree's Dirref, which opens the very same tree again. Ctrl-D at an empty prompt does the same.",
  ],
  args: [{ name: 'status', kind: 'number', summary: 'the exit status, 0 to 255', optional: true }],
  async run({ session }, { args: [status] }) {
    if (status === undefined) {
      session.quit();
      return;
    }
    const value = Number(status);
    if (!(value >= 0 && value <= 255)) throw new UsageError(`"${status}": expected an exit status of 0 to 255`);
    session.quit(value);
  },
});
