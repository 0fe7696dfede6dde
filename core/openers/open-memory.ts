import { MemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import type { OpenContext } from './opener.ts';
import type { StoreParameters } from './specification.ts';
import { hashParameter, numberParameter } from './specification.ts';

/** Opens `memory:`. */
export function openMemoryStore(given: StoreParameters, context: OpenContext): Promise<Store> {
  const hashName = hashParameter(given) ?? context.hashName;
  const maxBytes = numberParameter(given, 'maxsize');
  return Promise.resolve(
    new MemoryStore({
      name: context.name,
      ...(hashName === undefined ? {} : { hashName }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    }),
  );
}
