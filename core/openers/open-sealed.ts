import { resolve } from 'node:path';
import { UsageError, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { DEFAULT_HASH_NAME } from '../block/hash.ts';
import { KeyRing } from '../sealed/key-ring.ts';
import { newKey } from '../sealed/key-text.ts';
import type { SealKeys } from '../sealed/seal-keys.ts';
import { sealKeys } from '../sealed/seal-keys.ts';
import { SealedStore } from '../sealed/sealed-store.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';
import { expandHome } from './home-path.ts';
import type { OpenContext } from './opener.ts';
import type { GivenCredential } from './read-credential.ts';
import { askCredential, commandCredential, readKeyFile, readPassphraseFile } from './read-credential.ts';
import type { StoreParameters } from './specification.ts';
import { hashParameter, storesParameter, textParameter } from './specification.ts';

/**
 * Opens `sealed:KEYFILE:STORE`. The first write makes the keys of a new Store.
 *
 * @throws {VtError} EPERM for a wrong key, EOPEN for a Store that was not made to be sealed
 * @throws {UsageError} for sha1, or if there is not exactly one of key, passphrase and command
 */
export async function openSealedStore(given: StoreParameters, context: OpenContext): Promise<Store> {
  const { name, clock = () => new Date(), onNotice = () => undefined } = context;
  const [backend] = storesParameter(given, 'backend');
  if (backend === undefined) throw new TypeError('open sealed Store: expected a Store');
  const asked = hashParameter(given);
  if (asked === 'sha1')
    throw new UsageError(`open Store "${name}": sha1 is too weak for a sealed Store`, {
      remedy: 'use another hash function',
    });
  const below = await context.open(backend, { hashName: 'sealed', assumedHash: 'sealed' });
  try {
    requireSealable(below, name);
    const { credential, text } = await readCredential(given, context);
    const ring = new KeyRing({ below, name, credential, credentialText: text, clock, onNotice });
    const there = await ring.master();
    if (there !== undefined && asked !== undefined && asked !== there.hashName)
      throw new VtError('EOPEN', `open Store "${name}": its hash function is ${there.hashName}`, { remedy: `leave out hash=${asked}` });
    const hashName = there?.hashName ?? asked ?? context.hashName ?? DEFAULT_HASH_NAME;
    // Workers can seal with this key before the Store is made. Otherwise a single thread would seal the first put.
    const candidate = newKey();
    const make = async (options: OpOptions): Promise<SealKeys> => {
      await capability(below, 'making')?.make();
      const made = await ring.make(hashName, candidate, options);
      if (made.hashName !== hashName)
        throw new VtError('EFAILED', `make Store "${name}": another session has just made it with another hash function`, {
          remedy: 'run the command again',
        });
      return sealKeys(made.master);
    };
    const keys = sealKeys(there?.master ?? candidate);
    const store = new SealedStore({ name, below, hashName, keys, isMade: there !== undefined, ring, make });
    if (context.create === true) await store.make();
    return store;
  } catch (error) {
    await below[Symbol.asyncDispose]();
    throw error;
  }
}

function requireSealable(below: Store, name: string): void {
  if (below.hashName !== 'sealed')
    throw new VtError('EOPEN', `open Store "${name}": "${below.name}" has the hash function ${below.hashName} and is not sealed`, {
      remedy: 'name a new Store, or one made with hash=sealed',
    });
  if (capability(below, 'access')?.drops === true)
    throw new VtError('EOPEN', `open Store "${name}": "${below.name}" is a cache, which keeps no keys`, {
      remedy: 'seal a proxy of a Store and the cache, as sealed:KEY:{proxy:…}: the cache then has only sealed Blocks',
    });
}

async function readCredential(given: StoreParameters, context: OpenContext): Promise<GivenCredential> {
  const [key, passphrase, command] = ['key', 'passphrase', 'command'].map((parameter) => textParameter(given, parameter));
  if ([key, passphrase, command].filter((value) => value !== undefined).length !== 1)
    throw new UsageError(`open Store "${context.name}": a sealed Store has one of key=FILE, passphrase=FILE and command=COMMAND`);
  if (command !== undefined) return await commandCredential(command, context);
  if (passphrase === 'ask') return await askCredential(context);
  const file = resolve(expandHome(key ?? passphrase ?? '', context.homePath));
  return key === undefined
    ? { credential: { kind: 'passphrase', passphrase: readPassphraseFile(file) }, text: `the passphrase in "${file}"` }
    : { credential: { kind: 'key', key: readKeyFile(file) }, text: `the key in "${file}"` };
}
