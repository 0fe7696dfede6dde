import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../../core/openers/open-store.ts';
import type { OpenStoreEnvironment } from '../../../core/openers/opener.ts';
import { formatKey, newKey } from '../../../core/sealed/key-text.ts';
import type { Store } from '../../../core/store/store.ts';

/** A folder with a key file, in which sealed Stores are opened. */
export class SealedPlace {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'vtftp-sealed-'));
  readonly keyFile: string;

  constructor() {
    this.keyFile = this.makeKey('key');
  }

  /** A new key file. */
  makeKey(name: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, formatKey(newKey()), { mode: 0o600 });
    return file;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Opens a Store, sealed with a key file: that of the place, where none is named. */
  async open(backend: string, environment: Partial<OpenStoreEnvironment> = {}, keyFile = this.keyFile): Promise<Store> {
    return await openStore(`sealed:${keyFile}:${backend}`, {
      defaultStorePath: undefined,
      cachePath: join(this.folder, 'cache'),
      create: true,
      ...environment,
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
