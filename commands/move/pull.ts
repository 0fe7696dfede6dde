import { defineCommand } from '../command.ts';
import { TRANSFER_ARGS, TRANSFER_OPTIONS, transferPaths } from '../parts/move/transfer.ts';
import { NEWS_RECORD } from '../parts/records.ts';

/** `pull`: states and their Blocks from a peer to here. */
export const pull = defineCommand({
  name: 'pull',
  group: 'move',
  summary: 'fetch archives from a peer: their newest states, with their Blocks',
  reports: true,
  changesLocal: true,
  makesStore: true,
  plans: true,
  details: [
    'NAME is an archive, by default the open one. pull fetches the Blocks of its newest state at the peer that are not here, and records that state in the archive of the same name here, with its date. What changed here is synced first. If there are states here that the peer lacks, pull changes nothing and ends with 1: merge instead. A Store that is not there yet is made.',
    'pull prints up to ten lines of what is new, changed and removed; -v prints all. -n stores nothing.',
    '--all fetches every archive of the peer with every state, its date and its notes; push --all is the same the other way round. Tags and protection come too, and none is removed here. At the end it looks for each state and all its Blocks here. An archive with states here that the peer lacks is left as it is. -n fetches nothing.',
    '--blocks-only takes paths instead, by default the working path, and records nothing. They are in the tree already, as after bind, or after open of a Dirref: pull brings their Blocks, and those of earlier states of their nodes. A tree that was opened by its Dirref is filled in so in any case.',
    'pull first finds out what is missing. It fetches Dirs and lists of Blocks that are not here, since only they say what is below them. It asks for all other Blocks many at a time. Then it fetches what is missing, and nothing else, and verifies each Block. The Store notes which Dirs are complete, and later pulls skip them until Blocks are removed.',
    'What has come stays, even after Ctrl-C or a lost connection: the same command goes on from there. pull names each path of which the peer lacks Blocks too, or has damaged ones. The rest comes, and the exit status is 13; the state is not recorded then. A peer with another hash function is refused, but for --transition: the newest state then gets new names, and a map of names is kept (see transition).',
  ],
  args: TRANSFER_ARGS,
  options: [
    ...TRANSFER_OPTIONS,
    { name: 'all', short: 'a', summary: 'every archive of the peer, with every state' },
    { name: 'verbose', short: 'v', summary: 'list all that changes, not ten lines of it' },
  ],
  examples: [
    { line: 'pull', says: 'the open archive, from the only peer' },
    { line: 'pull -n --peer unix:~/.vtftp.sock', says: 'how much would come?' },
    { line: 'pull --all --peer /mnt/old/store', says: 'all that an old disk has recorded' },
    { line: 'pull --blocks-only docs', says: 'the Blocks of a Dir whose tree is here in part' },
  ],
  records: [
    {
      name: 'PulledState',
      summary: 'a newest state that was moved',
      fields: { pull: 'text', archive: 'text', state: 'text', when: 'time', recorded: 'true' },
    },
    {
      name: 'PulledNothing',
      summary: 'an archive of which nothing was to be moved',
      fields: { pull: 'text', archive: 'text', plan: 'true?', recorded: 'boolean', relation: { choices: ['same', 'older', 'newer'] } },
    },
    {
      name: 'PulledStates',
      summary: 'all states of an archive',
      fields: {
        pull: 'text',
        archive: 'text',
        plan: 'true?',
        states: 'integer',
        missing_states: 'integer',
        blocks: 'integer',
        bytes: 'integer',
      },
    },
    {
      name: 'PulledBlocks',
      summary: 'the Blocks of a path',
      fields: {
        pull: 'text',
        path: 'name',
        plan: 'true?',
        needed_blocks: 'integer',
        missing_blocks: 'integer',
        missing_bytes: 'integer',
        puts: 'integer?',
        moved_blocks: 'integer?',
        moved_bytes: 'integer?',
        faults: 'integer',
        seconds: 'number',
      },
    },
    NEWS_RECORD,
  ],
  async run(context, { args, options }) {
    await transferPaths(context, 'pull', args, options);
  },
});
