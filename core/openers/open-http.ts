import { VtError } from '../base/errors.ts';
import type { HashName } from '../block/hash.ts';
import { HttpClient } from '../http/client/http-client.ts';
import { HttpStore } from '../http/client/http-store.ts';
import { MAX_DESCRIPTION_SIZE, parseDescription } from '../http/store-description.ts';
import type { Store } from '../store/store.ts';
import { readKeyFile } from '../wire/links/tls-keys.ts';
import { readSecret } from '../wire/secret.ts';
import { expandHome } from './home-path.ts';
import type { OpenContext } from './opener.ts';
import type { StoreParameters } from './specification.ts';
import { hashParameter, textParameter } from './specification.ts';

/**
 * Opens `http://HOST[:PORT]/` or `https://…`: a Store served by `httpd`, or a `.vtd` file if the path ends in one.
 *
 * @throws {VtError} EOPEN if there is none, EPERM if access is refused
 */
export async function openHttpStore(scheme: 'http' | 'https', given: StoreParameters, context: OpenContext): Promise<Store> {
  const { name, homePath } = context;
  const path = (parameter: string): string | undefined => {
    const text = textParameter(given, parameter);
    return text === undefined ? undefined : expandHome(text, homePath);
  };
  const [token, ca] = [path('token'), path('ca')];
  const base = baseUrl(scheme, textParameter(given, 'address') ?? '', name);
  const [, fileName] = /([^/]+\.vtd)\/$/.exec(base.pathname) ?? [];
  const client = new HttpClient({
    name,
    base: fileName === undefined ? base : new URL('..', base),
    token: token === undefined ? undefined : Buffer.from(readSecret(token)).toString('latin1'),
    ca: ca === undefined ? undefined : readKeyFile(ca),
  });
  try {
    if (fileName !== undefined) return await openFile(client, fileName, hashParameter(given));
    const { status, body } = await client.get('store', { maxSize: MAX_DESCRIPTION_SIZE, tries: 2, signal: context.signal });
    if (status !== 200)
      throw new VtError('EOPEN', `open Store "${name}": no vtftp answers there (${status})`, { remedy: 'start httpd there' });
    const description = parseDescription(body.toString());
    const asked = hashParameter(given);
    if (asked !== undefined && asked !== description.hashName)
      throw new VtError('EOPEN', `open Store "${name}": its hash function is ${description.hashName}`, {
        remedy: `leave out hash=${asked}`,
      });
    return new HttpStore(client, context.readOnly === true ? { ...description, instance: undefined } : description);
  } catch (error) {
    client.close();
    if (error instanceof VtError && (error.code === 'EOPEN' || error.code === 'EPERM')) throw error;
    throw new VtError('EOPEN', `open Store "${name}": ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Opens a one-file Store on any web server. */
async function openFile(client: HttpClient, fileName: string, asked: HashName | undefined): Promise<Store> {
  const [{ HttpFile }, { HttpOneFile }] = await Promise.all([
    import('../http/client/http-file.ts'),
    import('../http/client/http-one-file.ts'),
  ]);
  const store = await HttpOneFile.open(await HttpFile.open(client, fileName));
  if (asked === undefined || asked === store.hashName) return store;
  throw new VtError('EOPEN', `open Store "${client.name}": its hash function is ${store.hashName}`, { remedy: `leave out hash=${asked}` });
}

function baseUrl(scheme: string, address: string, name: string): URL {
  const text = `${scheme}:${address}`;
  const url = /^\/\/[^/?#@]+(?:\/[^?#]*)?$/.test(address) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new VtError('EOPEN', `open Store "${name}": expected ${scheme}://HOST[:PORT]/`);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
