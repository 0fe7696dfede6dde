import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { UsageError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToText, octetsToTextStrict } from '../../core/base/octets.ts';
import { syncFolder } from '../../core/base/system/sync-folder.ts';
import { errorCode, errorReason } from '../../core/base/system/system-error.ts';
import type { Credential, KeySlot } from '../../core/sealed/key-slots.ts';
import type { SealedStore } from '../../core/sealed/sealed-store.ts';
import { layerOf } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';
import { resolveLocalPath } from '../parts/local-path.ts';

/** `sealed-key`: the keys of sealed Stores. */
export const sealedKey = defineCommand({
  name: 'sealed-key',
  group: 'store',
  summary: 'make, show, add and revoke keys of sealed Stores',
  changesLocal: true,
  makesStore: true,
  details: [
    'A sealed Store keeps everything encrypted in another Store: sealed:KEYFILE:STORE. Nobody can read it without one of its keys, and lost keys cannot be recovered: keep a copy of each key elsewhere.',
    '--new makes a key file that only you can read. --show prints a key as eight lines, to be written on paper. To restore the key, type them into a file: each line has a checksum, and --show names a line with a wrong digit.',
    "Without options the command lists the keys of the session's Store. --add and --add-passphrase let another key open it, and --revoke removes a key. The owner of a revoked key may have kept the secrets that it opened: to be safe, put the data into a new Store with a new key.",
    "--share copies the keys of the session's Store to a sealed Store that has none yet. push and pull then copy between the two without decrypting.",
  ],
  options: [
    { name: 'new', value: { name: 'FILE', kind: 'local' }, summary: 'make a new key in FILE, which must not exist' },
    { name: 'show', value: { name: 'FILE', kind: 'local' }, summary: 'print the key in FILE as text for paper' },
    { name: 'add', value: { name: 'FILE', kind: 'local' }, summary: 'let the key in FILE open the Store too' },
    { name: 'add-passphrase', value: { name: 'FILE', kind: 'local' }, summary: 'let the passphrase in FILE open the Store too' },
    { name: 'revoke', value: { name: 'ID', kind: 'text' }, summary: 'stop a key from opening the Store' },
    { name: 'share', value: { name: 'STORE', kind: 'store' }, summary: 'copy the keys to a sealed Store that has none' },
  ],
  examples: [
    { line: 'sealed-key --new vtftp.key', says: 'make a key' },
    { line: 'sealed-key --show vtftp.key', says: 'print it, for paper' },
  ],
  records: [
    { name: 'Key', summary: 'a key of a sealed Store', fields: { key: 'text', file: 'text?', kind: 'text?', since: 'time?' } },
    { name: 'KeyAdded', summary: 'a key that was added', fields: { added: 'text' } },
    { name: 'KeyRevoked', summary: 'a key that was revoked', fields: { revoked: 'text' } },
    { name: 'KeysShared', summary: 'a Store that got the keys', fields: { shared: 'text' } },
  ],
  async run(context, { options }) {
    const given = [...options].filter((option): option is [string, Octets] => option[1] !== true);
    const [first, another] = given;
    if (another !== undefined) throw new UsageError('sealed-key: one option at a time');
    if (first === undefined) return await list(context);
    const [name, word] = first;
    switch (name) {
      case 'new':
        return await makeKey(context, localPath(context, word));
      case 'show':
        return await showKey(context, localPath(context, word));
      case 'add':
      case 'add-passphrase':
        return await add(context, localPath(context, word), name === 'add');
      case 'revoke':
        return await revoke(context, octetsToText(word));
      default:
        return await share(context, octetsToText(word));
    }
  },
});

function localPath({ session }: CommandContext, word: Octets): string {
  const path = octetsToTextStrict(resolveLocalPath(session.localCwd, word));
  if (path === undefined) throw new UsageError(`sealed-key "${octetsToText(word)}": its name is not UTF-8`);
  return path;
}

async function makeKey({ output }: CommandContext, file: string): Promise<void> {
  const { formatKey, newKey } = await import('../../core/sealed/key-text.ts');
  const { keyIdOf } = await import('../../core/sealed/key-slots.ts');
  const key = newKey();
  let fd: number;
  try {
    fd = openSync(file, 'wx', 0o600);
  } catch (error) {
    const remedy = errorCode(error) === 'EEXIST' ? { remedy: 'name a new file: a key is never overwritten' } : {};
    throw new VtError('EFAILED', `sealed-key --new "${file}": ${errorReason(error)}`, { cause: error, ...remedy });
  }
  try {
    writeSync(fd, formatKey(key));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncFolder(dirname(file));
  output.record({ key: keyIdOf(key), file });
  output.line(
    `key ${keyIdOf(key)} is in ${output.name(octetsFromText(file))}: keep a copy elsewhere; without it sealed data cannot be read`,
  );
}

async function showKey({ output }: CommandContext, file: string): Promise<void> {
  const { readKeyFile } = await import('../../core/openers/read-credential.ts');
  const { formatKey } = await import('../../core/sealed/key-text.ts');
  const text = formatKey(readKeyFile(file));
  output.record({ key: text });
  for (const line of text.trimEnd().split('\n')) output.line(line);
}

async function sealedOf(store: Store, what = 'the session has'): Promise<SealedStore> {
  const { SealedStore } = await import('../../core/sealed/sealed-store.ts');
  const found = layerOf(store, SealedStore);
  if (found !== undefined) return found;
  throw new VtError('EFAILED', `sealed-key: ${what} "${store.name}", which is not sealed`, {
    remedy: 'open it as sealed:KEYFILE:STORE',
  });
}

async function list(context: CommandContext): Promise<void> {
  const { session, output, signal } = context;
  const sealed = await sealedOf(session.store);
  const slots = (await sealed.ring.read({ signal }))?.slots ?? [];
  for (const { id, kind, since } of slots) {
    const date = new Date(since * 1000).toISOString();
    output.record({ key: id, kind, since: date });
    output.line(`${id}  ${kind}  since ${date}`);
  }
  if (slots.length === 0) output.line('the Store has no keys yet: the first put makes them');
}

async function add(context: CommandContext, file: string, isKey: boolean): Promise<void> {
  const { session, output, signal, now } = context;
  const sealed = await sealedOf(session.store);
  const { readKeyFile, readPassphraseFile } = await import('../../core/openers/read-credential.ts');
  const { keyIdOf, wrapMaster } = await import('../../core/sealed/key-slots.ts');
  const credential: Credential = isKey
    ? { kind: 'key', key: readKeyFile(file) }
    : { kind: 'passphrase', passphrase: readPassphraseFile(file) };
  await sealed.make({ signal });
  const found = await sealed.ring.master({ signal });
  if (found === undefined) throw new VtError('EFAILED', 'sealed-key --add: the Store has no keys');
  const slot: KeySlot = await wrapMaster(found.master, credential, found.hashName, { nowSeconds: Math.floor(now().getTime() / 1000) });
  await sealed.ring.change(
    (slots) => {
      if (credential.kind === 'key' && slots.slots.some(({ id }) => id === keyIdOf(credential.key)))
        throw new VtError('EFAILED', `sealed-key --add "${file}": it opens the Store already`);
      return { ...slots, slots: [...slots.slots, slot] };
    },
    { signal },
  );
  output.record({ added: slot.id });
  output.line(`${slot.id} opens the Store from now on`);
}

async function revoke(context: CommandContext, id: string): Promise<void> {
  const { session, shell, output, signal } = context;
  const sealed = await sealedOf(session.store);
  // What cannot be done is not asked about.
  withoutKey((await sealed.ring.read({ signal }))?.slots ?? [], id);
  if (!(await shell.confirm(`Revoke key ${id} of ${session.store.name}? Whoever has no other can never open it again`))) return;
  await sealed.ring.change((slots) => ({ ...slots, slots: withoutKey(slots.slots, id) }), { signal });
  output.record({ revoked: id });
  output.line(`${id} no longer opens the Store`);
}

/** The keys but one. @throws {VtError} EFAILED where it is not there, or the last */
function withoutKey(slots: readonly KeySlot[], id: string): KeySlot[] {
  const rest = slots.filter((slot) => slot.id !== id);
  if (rest.length === slots.length)
    throw new VtError('EFAILED', `sealed-key --revoke "${id}": no such key`, { remedy: 'sealed-key lists them' });
  if (rest.length === 0)
    throw new VtError('EFAILED', `sealed-key --revoke "${id}": it is the last key, and nobody could read the Store again`, {
      remedy: 'add another key first',
    });
  return rest;
}

async function share(context: CommandContext, specification: string): Promise<void> {
  const { session, shell, output, signal } = context;
  const sealed = await sealedOf(session.store);
  await sealed.make({ signal });
  const slots = await sealed.ring.read({ signal });
  if (slots === undefined) throw new VtError('EFAILED', 'sealed-key --share: the Store has no keys');
  await using other = await shell.openStore(specification, { signal, mayMake: true });
  await (await sealedOf(other, 'it is')).ring.adopt(slots, { signal });
  output.record({ shared: other.name });
  output.line(`${other.name} has the keys of this Store`);
}
