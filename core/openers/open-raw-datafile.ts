import { resolve } from 'node:path';
import { RawDatafile } from '../datadir/raw-datafile.ts';
import type { Store } from '../store/store.ts';
import { expandHome } from './home-path.ts';
import type { OpenContext } from './opener.ts';
import { hashParameter, type StoreParameters, textParameter } from './specification.ts';

/** Opens `file:FILE.vtd`. @throws {VtError} EOPEN if it cannot be read or has another hash function */
export function openRawDatafile(given: StoreParameters, context: OpenContext): Promise<Store> {
  const path = resolve(expandHome(textParameter(given, 'path') ?? '', context.homePath));
  return Promise.resolve(
    new RawDatafile(path, { name: context.name, hashName: hashParameter(given), onNotice: context.onNotice ?? (() => undefined) }),
  );
}
