import { defineCommand } from './command.ts';

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
    const { session } = context;
    if (session.tails.followers.length === 0) return;
    const { showFollowing } = await import('./follow-progress.ts');
    await showFollowing(context, () => session.tails.followers.length === 0);
  },
});
