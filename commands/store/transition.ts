import { UsageError, VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { HASH_NAMES } from '../../core/block/hash.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';

/** `transition`: a Store under another hash function. */
export const transition = defineCommand({
  name: 'transition',
  group: 'store',
  summary: 'copy a Store into one with another hash function',
  reports: true,
  changesLocal: true,
  plans: true,
  details: [
    'transition copies every archive of this Store, with every state, its date, notes, tags and protection, into STORE, whose Blocks are named by HASHNAME. STORE is made if it is not there, and cuts data as this one does. This Store stays as it is.',
    'Names, metadata and contents are the same in both; references are not. STORE keeps a map of names: a Dirref or Block reference of this Store opens there too, and a line on standard error says what it is called now. A REFERENCE is copied alone, and its new text is printed: so a tree that no archive has goes along.',
    'It can be stopped or killed at any time, and the same command goes on from there. Run again later, it copies the states that are new. It refuses an archive to which STORE has added states of its own. A state of which Blocks are missing or damaged ends its archive, with 13: those before it are there.',
    '--verify then reads every Block of those states in STORE and hashes it by both functions: the old references must come out. All Dirs are compared too.',
  ],
  args: [
    { name: 'hashname', kind: 'text', summary: `the hash function: ${HASH_NAMES.join(', ')}` },
    { name: 'store', kind: 'store', summary: 'the Store to copy to' },
    { name: 'reference', kind: 'reference', summary: 'copy this alone, and print its new text', optional: true, repeat: true },
  ],
  options: [
    { name: 'plan', short: 'n', summary: 'print what there is to copy, and do nothing' },
    { name: 'verify', summary: 'compare both Stores afterwards' },
  ],
  examples: [
    { line: 'transition sha3-256 /mnt/new/store', says: 'every archive, into a Store of SHA3-256' },
    { line: 'transition sha3-256 /mnt/new/store --verify', says: 'and see that nothing is amiss' },
  ],
  async run(context, { named, options }) {
    const [word, store] = [named.get('hashname')?.[0], named.get('store')?.[0]];
    if (word === undefined || store === undefined) return;
    const hashName = HASH_NAMES.find((name) => name === word);
    if (hashName === undefined)
      throw new UsageError(`transition "${octetsToText(word)}": no such hash function`, { remedy: `use one of ${HASH_NAMES.join(', ')}` });
    if (context.session.store.hashName === hashName)
      throw new VtError('EFAILED', `transition: Blocks of this Store are named by ${hashName} already`, {
        remedy: 'push --all copies to a Store of the same hash function',
      });
    const { planTransition, runTransition } = await import('../parts/transition/run-transition.ts');
    const references = named.get('reference') ?? [];
    if (context.plan || options.has('plan')) {
      await planTransition(context, references);
      return;
    }
    await syncFirst(context);
    await runTransition(context, { hashName, store: octetsToText(store), references, verify: options.has('verify') });
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
