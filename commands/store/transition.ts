import { UsageError, VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { CONTENT_HASH_NAMES } from '../../core/block/hash.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';

/** `transition`: a Store under another hash function. */
export const transition = defineCommand({
  name: 'transition',
  group: 'store',
  summary: 'change the hash function of a Store, or copy the Store into one with another',
  reports: true,
  changesLocal: true,
  plans: true,
  details: [
    'transition HASHNAME gives this Store another hash function in place. Every archive keeps its states, their dates, notes, tags and protection. Contents stay where they are on the disk: transition writes only new Dirs and lists of Blocks, and gc frees the old ones later. No other session may use the Store meanwhile. Earlier versions of vtftp cannot open it afterwards. A sealed Store can only be copied.',
    'With STORE, it copies every archive there instead, and this Store stays as it is. If there is no STORE, transition makes it with the edge settings of this one. A second run copies only new states. It refuses an archive to which STORE has added its own states.',
    'Names, metadata and contents stay the same; references change. The Store keeps a map from old references to new ones: an old Dirref or Block reference still opens, and a line on standard error gives the new one. Archives outside the Store and checkpoints of follow stay usable too. With a REFERENCE, transition copies only its tree into STORE and prints the new reference; it need not be in an archive.',
    'You may stop or kill transition at any time; the same command continues from there. If Blocks of a state are missing or damaged, its archive is copied only up to the state before it, and the exit status is 13. In place, nothing has changed then.',
    '--verify reads every Block of those states, hashes it with both functions, and compares the results with both references. It compares all Dirs too. In place it does so before the Store changes.',
  ],
  args: [
    { name: 'hashname', kind: 'text', summary: `the hash function: ${CONTENT_HASH_NAMES.join(', ')}` },
    { name: 'store', kind: 'store', summary: 'the Store to copy to; default: change this Store in place', optional: true },
    {
      name: 'reference',
      kind: 'reference',
      summary: 'copy only this Dirref or Block reference, and print its new text',
      optional: true,
      repeat: true,
    },
  ],
  options: [
    { name: 'plan', short: 'n', aliases: ['dry-run'], summary: 'print how much there is to copy, and do nothing' },
    { name: 'verify', summary: 'compare the result with the original' },
  ],
  examples: [
    { line: 'transition blake3', says: 'changes this Store in place' },
    { line: 'transition blake3 /mnt/new/store', says: 'copies every archive into a Store with BLAKE3' },
    { line: 'transition blake3 /mnt/new/store --verify', says: 'the same, and compares the result with the original' },
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
      summary: 'the result of a comparison',
      fields: { verified: 'integer', blocks: 'integer', bytes: 'integer', faults: 'integer' },
    },
    {
      name: 'TransitionCounts',
      summary: 'the end of a transition',
      fields: { transition: 'text', hash: 'text', blocks: 'integer', bytes: 'integer', dirs: 'integer', seconds: 'number' },
    },
    {
      name: 'TransitionPlan',
      summary: 'how much a transition would read',
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
      throw new VtError('EFAILED', `transition: this Store has the hash function ${hashName} already`, {
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
    const { name, hashName: before } = context.session.store;
    const question = `Name the Blocks of ${name} by ${hashName} in place of ${before}? Earlier versions of vtftp cannot open it afterwards`;
    if (store === undefined && !(await context.shell.confirm(question))) return;
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
