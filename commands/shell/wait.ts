import { defineCommand } from '../command.ts';

/** `wait`: until what goes on in the background has ended. */
export const wait = defineCommand({
  name: 'wait',
  group: 'shell',
  summary: 'wait while files are followed or watched, until Ctrl-C or SIGTERM',
  details: [
    "With wait a line becomes a daemon: vtftp -c 'watch ~/mail mail; wait'. SIGTERM ends it in good order: it stores what is new, saves the tree and prints the Dirref. Rate and lag are shown on standard error, as progress is. If nothing is followed, wait ends at once.",
  ],
  endsByInterrupt: true,
  async run(context) {
    const { session } = context;
    if (session.tails.followers.length === 0) return;
    const { showFollowing } = await import('../parts/move/follow-progress.ts');
    await showFollowing(context, () => session.tails.followers.length === 0);
  },
});
