import type { VtUri } from '../../core/dirent/uri.ts';
import { parseStoreSpecification } from '../../core/openers/open-store.ts';
import type { StoreSpecification } from '../../core/openers/specification.ts';
import type { Store } from '../../core/store/store.ts';
import type { StoreOpener } from './stores.ts';
import { openStoreLazily } from './stores.ts';

/** Default port of `httpd`. */
const HTTPD_PORT = 8080;

/** The Store of the session, with the Store of a host behind it. */
export interface StoreWithHost {
  readonly store: Store;
  /** The specification of the host's Store. */
  readonly host: string;
}

/**
 * Opens the Store of the session, with the Store of a URI's host behind it. Missing Blocks come from the host: by HTTP, or by the protocol
 * of `serve` if HTTP fails.
 *
 * @param own - the specification of the session's Store
 * @throws {VtError} EOPEN if neither answers
 */
export async function storeWithHost(
  own: string,
  { host = '', port }: Pick<VtUri, 'host' | 'port'>,
  opener: StoreOpener,
): Promise<StoreWithHost> {
  const name = host.includes(':') ? `[${host}]` : host;
  const open = async (type: 'http' | 'tcp', address: string): Promise<StoreWithHost> => ({
    store: await openStoreLazily(behind(own, { kind: 'form', type, parameters: { address } }), opener, true),
    host: `${type}:${address}`,
  });
  const http = `//${name}:${port ?? HTTPD_PORT}/`;
  if (port === undefined) return await open('http', http);
  try {
    return await open('http', http);
  } catch (error) {
    return await open('tcp', `${name}:${port}`).catch(() => Promise.reject(error));
  }
}

function behind(own: string, host: StoreSpecification): StoreSpecification {
  const here = parseStoreSpecification(own);
  return { kind: 'form', type: 'proxy', parameters: { save: [here], read: [here, host] } };
}
