import { defineCommand } from './command.ts';
import { TRANSFER_OPTIONS, transferPaths } from './transfer.ts';

/** `push`: Blocks from here to a peer. */
export const push = defineCommand({
  name: 'push',
  group: 'move',
  summary: 'send the Blocks of a file or tree that a peer lacks',
  changesLocal: true,
  plans: true,
  details: [
    'First the peer is asked, for many Blocks at once, which of them it lacks; then these are sent, and nothing else, and made durable there. With -n nothing is sent. Earlier states of nodes go along.',
    'After a push, and a pull, that went without a fault the Store here notes which Dirs are complete; a later one asks nothing about what is below them, as long as nothing was removed from the Store where they are. --recheck asks all the same.',
    'The peer can open the tree by its Dirref from then on. No archive of the peer has it, so a gc over there removes it after its grace period: let somebody bind and sync it there.',
    'What was sent stays, also after Ctrl-C or a lost connection: the same command goes on from there. What is missing or damaged here is named with the paths that it harms, the rest is sent, and the exit status is 13. A peer with another hash function is refused.',
  ],
  args: [{ name: 'name', kind: 'stored', summary: 'files and trees; default: the working path', optional: true, repeat: true }],
  options: TRANSFER_OPTIONS,
  examples: [
    { line: 'push docs', says: 'to the only peer' },
    { line: 'push --peer /mnt/backup/store --limit-rate 2M', says: 'the whole tree into a Store on a disk, at 2 MiB a second' },
  ],
  async run(context, { args, options }) {
    await transferPaths(context, 'push', args, options);
  },
});
