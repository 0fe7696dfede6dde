import type { CommandContext } from './command.ts';
import { defineCommand } from './command.ts';

/** Between two looks at how far it is: milliseconds. */
const SHOW_MS = 1000;

/** `wait`: until what goes on in the background has ended. */
export const wait = defineCommand({
  name: 'wait',
  group: 'shell',
  summary: 'wait while files are followed or watched, until Ctrl-C or SIGTERM',
  details: [
    "So a line becomes a daemon: vtftp -c 'watch ~/mail mail; wait'. SIGTERM ends it in good order: what is new is taken in, everything is synced, and the Dirref is recited. Rate and lag are shown on standard error, as progress is. Where nothing is followed it ends at once.",
  ],
  endsByInterrupt: true,
  async run(context) {
    const { session, signal } = context;
    if (session.tails.followers.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        show(context);
        if (session.tails.followers.length === 0) end();
      }, SHOW_MS);
      const end = (): void => {
        clearInterval(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end);
    });
  },
});

function show({ session, diagnostics }: CommandContext): void {
  const states = session.tails.followers.map((follower) => follower.state());
  const sum = (value: (state: (typeof states)[number]) => number): number => states.reduce((all, state) => all + value(state), 0);
  diagnostics.progress({
    label: 'follow',
    doneBytes: sum(({ newBytes }) => newBytes),
    doneItems: sum(({ files }) => files),
    bytesPerSecond: sum(({ rate }) => rate),
    lagBytes: sum(({ unreadBytes }) => unreadBytes),
    lagMs: Math.max(0, ...states.map(({ lagMs }) => lagMs)),
  });
}
