import { defineCommand } from '../command.ts';
import { TRANSFER_OPTIONS, transferPaths } from '../parts/move/transfer.ts';

/** `pull`: Blocks from a peer to here. */
export const pull = defineCommand({
  name: 'pull',
  group: 'move',
  summary: 'fetch the Blocks of a file or tree that a peer has and we lack',
  changesLocal: true,
  plans: true,
  details: [
    'pull first finds out what is missing. It fetches Dirs and lists of Blocks that are not here, since only they say what is below them. It asks for all other Blocks many at a time. Then it fetches what is missing, and nothing else, and verifies each Block. -n stores nothing.',
    'NAME is in the tree already, as after bind, or after open of a Dirref: pull brings its Blocks, and those of earlier states of its nodes. What has come stays, even after Ctrl-C or a lost connection: the same command goes on from there. The Store notes which Dirs are complete, and later pulls skip them until Blocks are removed.',
    'pull names each path of which the peer lacks Blocks too, or has damaged ones. The rest comes, and the exit status is 13. A peer with another hash function is refused.',
  ],
  args: [{ name: 'name', kind: 'stored', summary: 'files and trees; default: the working path', optional: true, repeat: true }],
  options: TRANSFER_OPTIONS,
  examples: [
    { line: 'pull docs', says: 'from the only peer' },
    { line: 'pull -n --peer unix:~/.vtftp.sock docs', says: 'how much would come?' },
  ],
  async run(context, { args, options }) {
    await transferPaths(context, 'pull', args, options);
  },
});
