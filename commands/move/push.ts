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
    'NAME is an archive, by default the open one. push sends the Blocks of its newest state that the peer lacks, and records that state in the archive of the same name there, with its date. What changed here is synced first. If the archive there has states that this one does not come after, push changes nothing and ends with 1: merge first, then push again.',
    '--all sends every archive with every state, its date and its notes. Tags and protection that were set here later are set there too, and none is removed there. At the end it looks for each state and all its Blocks over there, so that a disk can be retired. -n sends nothing.',
    '--blocks-only takes paths instead, by default the working path, and records nothing. The peer can then open the tree by its Dirref, but a gc over there removes it after its grace period. A tree that was opened by its Dirref is pushed so in any case.',
    'push asks the peer, for many Blocks at once, which of them it lacks. It sends these, and nothing else, and makes them durable there. Earlier states of nodes go along. The Store here notes which Dirs are complete there. A later push asks nothing about what is below them, as long as nothing is removed from the other Store. --recheck asks all the same.',
    'What was sent stays, even after Ctrl-C or a lost connection: the same command goes on from there. push names each path of which Blocks are missing or damaged here. The rest is sent, and the exit status is 13; the state is not recorded then. A peer with another hash function is refused, but for --transition: the newest state then gets new names, and a map of names is kept (see transition). --create makes the Store that --peer names, if there is none.',
  ],
  args: TRANSFER_ARGS,
  options: [
    ...TRANSFER_OPTIONS,
    { name: 'all', short: 'a', summary: 'every archive, with every state' },
    { name: 'create', summary: 'make the Store that --peer names' },
  ],
  examples: [
    { line: 'push', says: 'the open archive, to the only peer' },
    { line: 'push --peer /mnt/backup/store --create --limit-rate 2M', says: 'into a new Store on a disk, at 2 MiB a second' },
    { line: 'push --all --peer /mnt/new/store --create', says: 'all that this Store has recorded: the old disk can go' },
    { line: 'push --blocks-only docs', says: 'the Blocks of a Dir' },
  ],
  records: [
    {
      name: 'PushedState',
      summary: 'a newest state that was moved',
      fields: { push: 'text', archive: 'text', state: 'text', when: 'time', recorded: 'true' },
    },
    {
      name: 'PushedNothing',
      summary: 'an archive of which nothing was to be moved',
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
