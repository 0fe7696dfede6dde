import { ProgressStore } from '../store/progress-store.ts';
import type { Store } from '../store/store.ts';
import type { OpenContext } from './opener.ts';
import { type StoreParameters, storesParameter } from './specification.ts';

/** Opens `progress:STORE`. */
export async function openProgressStore(given: StoreParameters, context: OpenContext): Promise<Store> {
  const [specification] = storesParameter(given, 'store');
  if (specification === undefined) throw new TypeError('open progress Store: expected a Store');
  return new ProgressStore(await context.open(specification));
}
