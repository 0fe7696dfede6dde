import { join } from 'node:path';
import { formatStoreSpecification, openStore } from '../../../core/openers/open-store.ts';
import type { OpenStoreEnvironment } from '../../../core/openers/opener.ts';
import type { StoreParameters } from '../../../core/openers/specification.ts';
import { RecordCheckers } from '../../../core/store/records/record-checker.ts';
import type { Store } from '../../../core/store/store.ts';
import type { ServeOptions, SocketServer } from '../../../core/wire/serve-sockets.ts';
import { serveSockets } from '../../../core/wire/serve-sockets.ts';
import type { StoreService } from '../../../core/wire/store-session.ts';

/** Verify what the tests add; a file whose tests add many MiB disposes of them. */
export const testCheckers = new RecordCheckers();

/** A service of one Store. */
export function serviceOf(store: Store, more: Partial<StoreService> = {}): StoreService {
  return { exports: new Map([['', { store }]]), isReadOnly: false, instance: 'test', checkers: testCheckers, ...more };
}

/** The same for those who know a secret. */
export function secretServiceOf(store: Store, secret: Uint8Array): StoreService {
  const service = serviceOf(store);
  return { ...service, users: () => [{ secret, service, requireServed: () => undefined }] };
}

/** Serves on a UNIX socket in a folder. */
export async function serveIn(folder: string, service: StoreService, more: Partial<ServeOptions> = {}): Promise<SocketServer> {
  return await serveSockets({ kind: 'unix', path: join(folder, 'served.sock') }, { service, uid: process.getuid?.(), ...more });
}

type OpenGiven = Pick<Partial<OpenStoreEnvironment>, 'cachePath' | 'onNotice' | 'traceWire'>;

/** Opens what is served in a folder, as a specification does. */
export async function openServed(folder: string, more: StoreParameters = {}, given: OpenGiven = {}): Promise<Store> {
  const parameters = { path: join(folder, 'served.sock'), ...more };
  return await openStore(formatStoreSpecification({ kind: 'form', type: 'unix', parameters }), {
    defaultStorePath: '/nowhere',
    cachePath: undefined,
    ...given,
  });
}
