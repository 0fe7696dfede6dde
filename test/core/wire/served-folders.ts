import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import type { StoreParameters } from '../../../core/openers/specification.ts';
import type { Store } from '../../../core/store/store.ts';
import type { ServeOptions, SocketServer } from '../../../core/wire/serve-sockets.ts';
import type { StoreService } from '../../../core/wire/store-session.ts';
import { openServed, serveIn, serviceOf, testCheckers } from './served-store.ts';

/** What the tests of one file make and serve; all of it ends with them. */
export interface ServedFolders {
  readonly newFolder: () => string;
  /** Serves on a UNIX socket in a folder. */
  readonly serve: (folder: string, service: StoreService, more?: Partial<ServeOptions>) => Promise<SocketServer>;
  /** Serves a Store in a folder of its own, and opens it from there. */
  readonly served: (store: Store, more?: StoreParameters) => Promise<Store>;
  /** Has something end after the servers that were made later. */
  readonly endLater: (made: AsyncDisposable) => void;
}

/** Called once in a file of tests. */
export function servedFolders(): ServedFolders {
  const folders: string[] = [];
  const made: AsyncDisposable[] = [testCheckers];
  after(async () => {
    for (const each of made.reverse()) await each[Symbol.asyncDispose]();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  const newFolder = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'vtftp-wire-'));
    folders.push(folder);
    return folder;
  };
  const endLater = (each: AsyncDisposable): void => {
    made.push(each);
  };
  const serve: ServedFolders['serve'] = async (folder, service, more) => {
    const server = await serveIn(folder, service, more);
    endLater(server);
    return server;
  };
  const served: ServedFolders['served'] = async (store, more = {}) => {
    const folder = newFolder();
    endLater(store);
    await serve(folder, serviceOf(store));
    return await openServed(folder, more);
  };
  return { newFolder, serve, served, endLater };
}

/** Whether an error has a code, and words in its message. */
export function isError(code: string, found: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof VtError && error.code === code && found.test(error.message);
}
