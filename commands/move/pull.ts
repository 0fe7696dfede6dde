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
    'NAME is an archive, by default the open one. pull takes its newest state at the peer, fetches the Blocks that are not here, and records that state with its date in the archive of the same name here. It syncs first. If there are states here that the peer lacks, pull changes nothing and ends with 1: merge instead. pull makes the Store here if there is none.',
    'pull lists up to ten names that are new, changed or removed; -v lists all. -n stores nothing.',
    '--all fetches every archive of the peer with every state, its date and its notes; push --all is the reverse. It adds tags and protection, and removes none here. At the end it checks that each state is here with all its Blocks. It skips an archive with states that the peer lacks. -n fetches nothing.',
    '--blocks-only takes paths instead, by default the working path, and records nothing. The paths are in the tree already, as after bind or open of a Dirref. pull fetches their Blocks, and those of the earlier states that put --previous kept. If the tree was opened by a Dirref, pull always works this way.',
    'pull first finds out what is missing. It fetches missing Dirs and lists of Blocks, since only they tell what is below them. It looks up all other Blocks many at a time. Then it fetches only the missing Blocks, and verifies each. The Store notes which Dirs are complete, and later pulls skip them until Blocks are removed.',
    'After Ctrl-C or a lost connection the fetched Blocks stay, and the same command continues from there. If the peer lacks Blocks too, or has damaged ones, pull names their paths and fetches the rest. It then records no state, and the exit status is 13. pull refuses a peer with another hash function unless --transition is given: it then converts the newest state, and keeps a map of references (see transition).',
  ],
  args: TRANSFER_ARGS,
  options: [
    ...TRANSFER_OPTIONS,
    { name: 'all', short: 'a', summary: 'fetch every archive of the peer, with every state' },
    { name: 'verbose', short: 'v', summary: 'list every change, not only ten' },
  ],
  examples: [
    { line: 'pull', says: 'fetches the open archive from the only peer' },
    { line: 'pull -n --peer unix:~/.vtftp.sock', says: 'prints how much it would fetch' },
    { line: 'pull --all --peer /mnt/old/store', says: 'fetches every archive of an old disk' },
    { line: 'pull --blocks-only docs', says: 'fetches the missing Blocks of docs' },
  ],
  records: [
    {
      name: 'PulledState',
      summary: 'the newest state of an archive, moved',
      fields: { pull: 'text', archive: 'text', state: 'text', when: 'time', recorded: 'true' },
    },
    {
      name: 'PulledNothing',
      summary: 'an archive that needed nothing',
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
