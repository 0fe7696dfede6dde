import { defineCommand } from './command.ts';
import { TRANSFER_OPTIONS, transferPaths } from './transfer.ts';

/** `pull`: Blocks from a peer to here. */
export const pull = defineCommand({
  name: 'pull',
  group: 'move',
  summary: 'fill in the Blocks of a file or tree that a peer has and we lack',
  changesLocal: true,
  plans: true,
  details: [
    'First it is found out what is missing: Dirs and lists of Blocks that are not here come over, as nothing else tells what stands in them, and then all other Blocks are asked for many at once. Then what is missing comes, and only that; each Block is verified. With -n nothing is stored.',
    'The name is in the tree already, as after bind or open of a Dirref: pull brings its Blocks. Earlier states of nodes belong to it. What has come stays, also after Ctrl-C or a lost connection: the same command goes on from there. A Dir of which all has come is noted in the Store, and later pulls pass it over, until Blocks are removed.',
    'What the peer lacks too, or has damaged, is named with the paths that it harms, the rest comes, and the exit status is 13. A peer with another hash function is refused.',
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
