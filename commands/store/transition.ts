import { UsageError, VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { CONTENT_HASH_NAMES } from '../../core/block/hash.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';

/** `transition`: a Store under another hash function. */
export const transition = defineCommand({
  name: 'transition',
  group: 'store',
  summary: 'give a Store another hash function, or copy it into one that has it',
  reports: true,
  changesLocal: true,
  plans: true,
  details: [
    'transition HASHNAME gives this Store another hash function in place. Every archive keeps its states, their dates, notes, tags and protection. Contents stay where they are on the disk: only Dirs and lists of Blocks are written anew, and gc frees the old ones later. No other session may be at work in the Store. Earlier versions of vtftp cannot open it afterwards. A sealed Store can only be copied.',
    'With STORE, it copies every archive there instead, and this Store stays as it is. STORE is made if it is not there, and cuts data as this one does. Run again later, it copies the states that are new. It refuses an archive to which STORE has added states of its own.',
    'Names, metadata and contents stay the same; references do not. The Store keeps a map of names: an old Dirref or Block reference opens too, and a line on standard error says what it is called now. Archives that lie outside of the Store, and what follow has noted, go on too. A REFERENCE is copied into STORE alone, and its new text is printed: so a tree that no archive has goes along.',
    'It can be stopped or killed at any time, and the same command goes on from there. A state of which Blocks are missing or damaged ends its archive, with 13. In place nothing has changed then; in STORE the states before it are there.',
    '--verify reads every Block of those states and hashes it by both functions: the references of both must come out. All Dirs are compared too. In place this is done before the Store changes.',
  ],
  args: [
    { name: 'hashname', kind: 'text', summary: `the hash function: ${CONTENT_HASH_NAMES.join(', ')}` },
    { name: 'store', kind: 'store', summary: 'the Store to copy to; without it this one changes', optional: true },
    { name: 'reference', kind: 'reference', summary: 'copy this alone, and print its new text', optional: true, repeat: true },
  ],
  options: [
    { name: 'plan', short: 'n', summary: 'print what there is to copy, and do nothing' },
    { name: 'verify', summary: 'compare what was made with what was there' },
  ],
  examples: [
    { line: 'transition blake3', says: 'this Store, in place' },
    { line: 'transition blake3 /mnt/new/store', says: 'every archive, into a Store of BLAKE3' },
    { line: 'transition blake3 /mnt/new/store --verify', says: 'and see that nothing is amiss' },
  ],
  records: [
    {
      name: 'TransitionArchive',
      summary: 'an archive of a transition',
      fields: { archive: 'text', plan: 'true?', states: 'integer', new_states: 'integer?' },
    },
    { name: 'TransitionReference', summary: 'a reference under both hash functions', fields: { before: 'text', after: 'text' } },
    {
      name: 'TransitionVerified',
      summary: 'what was compared',
      fields: { verified: 'integer', blocks: 'integer', bytes: 'integer', faults: 'integer' },
    },
    {
      name: 'TransitionCounts',
      summary: 'the end of a transition',
      fields: { transition: 'text', hash: 'text', blocks: 'integer', bytes: 'integer', dirs: 'integer', seconds: 'number' },
    },
    {
      name: 'TransitionPlan',
      summary: 'what a transition would read',
      fields: { plan: 'true', blocks: 'integer', bytes: 'integer', dirs: 'integer', faults: 'integer' },
    },
  ],
  async run(context, { named, options }) {
    const [word, store] = [named.get('hashname')?.[0], named.get('store')?.[0]];
    if (word === undefined) return;
    const hashName = CONTENT_HASH_NAMES.find((name) => name === word);
    if (hashName === undefined)
      throw new UsageError(`transition "${octetsToText(word)}": no such hash function`, {
        remedy: `use one of ${CONTENT_HASH_NAMES.join(', ')}`,
      });
    if (context.session.store.hashName === hashName)
      throw new VtError('EFAILED', `transition: Blocks of this Store are named by ${hashName} already`, {
        remedy: 'push --all copies to a Store of the same hash function',
      });
    if (context.session.store.hashName === 'sealed')
      throw new VtError('EPERM', 'transition: the Store is sealed', {
        remedy: `open it with its key, as sealed:KEYFILE:${context.session.store.name}`,
      });
    const { planTransition, runTransition } = await import('../parts/transition/run-transition.ts');
    const references = named.get('reference') ?? [];
    if (context.plan || options.has('plan')) {
      await planTransition(context, references);
      return;
    }
    await syncFirst(context);
    const verify = options.has('verify');
    if (store !== undefined) {
      await runTransition(context, { hashName, store: octetsToText(store), references, verify });
      return;
    }
    const { runInPlace } = await import('../parts/transition/run-in-place.ts');
    await runInPlace(context, hashName, verify);
  },
});

/** What changed in this session is a state too. */
async function syncFirst({ session, signal }: CommandContext): Promise<void> {
  if (session.archive !== undefined && session.tree.can.sync) {
    await session.sync(signal);
    await session.refresh(signal);
  }
  await session.store.flush({ signal });
}
