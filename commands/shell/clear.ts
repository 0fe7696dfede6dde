import { defineCommand } from '../command.ts';

/** Home, clear the screen, clear what scrolled off it. @see ECMA-48, CUP and ED; xterm's ED 3 */
const CLEAR = '\x1b[H\x1b[2J\x1b[3J';

/** `clear`: an empty screen. */
export const clear = defineCommand({
  name: 'clear',
  group: 'shell',
  summary: 'clear the screen of the terminal',
  async run({ output }) {
    if (output.terminal && !output.json) await output.bytes(Buffer.from(CLEAR));
  },
});
