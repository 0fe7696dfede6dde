import { defineCommand } from '../command.ts';
import { TRANSFER_OPTIONS, transferPaths } from '../parts/move/transfer.ts';

/** `push`: Blocks from here to a peer. */
export const push = defineCommand({
  name: 'push',
  group: 'move',
  summary: 'send the Blocks of a file or tree that a peer lacks',
  changesLocal: true,
  plans: true,
  details: [
    'push asks the peer, for many Blocks at once, which of them it lacks. It sends these, and nothing else, and makes them durable there. Earlier states of nodes go along. -n sends nothing.',
    'After a push or pull without a fault the Store here notes which Dirs are complete. A later push asks nothing about what is below them, as long as nothing is removed from the other Store. --recheck asks all the same.',
    'From then on the peer can open the tree by its Dirref. No archive of the peer has it, so a gc over there removes it after its grace period. Bind and sync it there to keep it.',
    'What was sent stays, even after Ctrl-C or a lost connection: the same command goes on from there. push names each path of which Blocks are missing or damaged here. The rest is sent, and the exit status is 13. A peer with another hash function is refused.',
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
