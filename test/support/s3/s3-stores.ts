import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../../core/openers/open-store.ts';
import type { OpenStoreEnvironment } from '../../../core/openers/opener.ts';
import type { S3Store } from '../../../core/s3/s3-store.ts';
import type { Store } from '../../../core/store/store.ts';

/** A service that tests talk to. */
export interface S3Service {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What the fake takes for keys: it looks at no signature. */
export const FAKE_KEYS = { accessKeyId: 'key', secretAccessKey: 'secret' };

/** The environment in which a service's keys are found. */
export function keysIn({ accessKeyId, secretAccessKey }: Omit<S3Service, 'endpoint'>): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

/** One machine with its caches, from which Stores in the bucket `tests` are opened. */
export class S3Machine {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'vtftp-s3-'));
  readonly #service: S3Service;

  constructor(service: S3Service) {
    this.#service = service;
  }

  specification(prefix: string, more = ''): string {
    return `s3://tests/${prefix}?endpoint=${this.#service.endpoint}${more}`;
  }

  async open(prefix: string, environment: Partial<OpenStoreEnvironment> = {}, more = ''): Promise<S3Store> {
    const store: Store = await openStore(this.specification(prefix, more), {
      defaultStorePath: undefined,
      cachePath: this.folder,
      environment: keysIn(this.#service),
      create: true,
      ...environment,
    });
    return store as S3Store;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
