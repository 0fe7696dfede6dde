import { defineCommand } from '../command.ts';
import { TRANSFER_ARGS, TRANSFER_OPTIONS, transferPaths } from '../parts/move/transfer.ts';

/** `push`: states and their Blocks from here to a peer. */
export const push = defineCommand({
  name: 'push',
  group: 'move',
  summary: 'send archives to a peer: their newest states, with their Blocks',
  reports: true,
  changesLocal: true,
  plans: true,
  details: [
    'NAME is an archive, by default the open one. push sends those Blocks of its newest state that the peer lacks, and records that state with its date in the archive of the same name there. It syncs first. If the archive there has states that are not in the history of this one, push changes nothing and ends with 1: merge first, then push again.',
    '--all sends every archive with every state, its date and its notes. It adds tags and protection there that were set here, and removes none. At the end it checks that each state is there with all its Blocks, so that the old disk can be retired. -n sends nothing.',
    '--blocks-only takes paths instead, by default the working path, and records nothing. The peer can then open the tree by its Dirref, but gc there removes it after its grace period. If the tree was opened by a Dirref, push always works this way.',
    'push asks the peer about many Blocks at once, sends only those that the peer lacks, and makes them durable there. The earlier states that put --previous kept are sent too. The Store here notes which Dirs are complete at the peer. A later push skips them, as long as nothing is removed from the other Store; --recheck asks about them again.',
    'After Ctrl-C or a lost connection the sent Blocks stay, and the same command continues from there. If Blocks are missing or damaged here, push names their paths and sends the rest. It then records no state, and the exit status is 13. push refuses a peer with another hash function unless --transition is given: it then converts the newest state, and keeps a map of references (see transition). --create makes the Store that --peer names, if there is none.',
  ],
  args: TRANSFER_ARGS,
  options: [
    ...TRANSFER_OPTIONS,
    { name: 'all', short: 'a', summary: 'send every archive, with every state' },
    { name: 'create', summary: 'make the Store that --peer names' },
  ],
  examples: [
    { line: 'push', says: 'sends the open archive to the only peer' },
    { line: 'push --peer /mnt/backup/store --create --limit-rate 2M', says: 'makes a Store on a disk, and sends at most 2 MiB a second' },
    { line: 'push --all --peer /mnt/new/store --create', says: 'sends every archive of this Store, so that its disk can be retired' },
    { line: 'push --blocks-only docs', says: 'sends the Blocks of docs' },
  ],
  records: [
    {
      name: 'PushedState',
      summary: 'the newest state of an archive, moved',
      fields: { push: 'text', archive: 'text', state: 'text', when: 'time', recorded: 'true' },
    },
    {
      name: 'PushedNothing',
      summary: 'an archive that needed nothing',
      fields: { push: 'text', archive: 'text', plan: 'true?', recorded: 'boolean', relation: { choices: ['same', 'older', 'newer'] } },
    },
    {
      name: 'PushedStates',
      summary: 'all states of an archive',
      fields: {
        push: 'text',
        archive: 'text',
        plan: 'true?',
        states: 'integer',
        missing_states: 'integer',
        blocks: 'integer',
        bytes: 'integer',
      },
    },
    {
      name: 'PushedBlocks',
      summary: 'the Blocks of a path',
      fields: {
        push: 'text',
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
  ],
  async run(context, { args, options }) {
    await transferPaths(context, 'push', args, options);
  },
});
