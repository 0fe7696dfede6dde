import type { OpOptions } from '../../base/op-options.ts';
import type { HashCode } from '../../block/hashcode.ts';
import { capability } from '../capability.ts';
import type { Store } from '../store.ts';

/** Merges the hashcodes of several Stores: each once, ascending by digest. @param check - called before each; may throw */
export async function* mergeHashcodes(
  stores: readonly Store[],
  options: OpOptions,
  check: () => void,
): AsyncGenerator<HashCode, void, undefined> {
  const lists = stores.flatMap((store) => capability(store, 'enumeration')?.hashcodes(options)[Symbol.asyncIterator]() ?? []);
  try {
    const heads = await Promise.all(lists.map(async (list) => await list.next()));
    for (;;) {
      check();
      let least: HashCode | undefined;
      for (const head of heads) {
        if (head.done !== true && (least === undefined || Buffer.compare(head.value.digest, least.digest) < 0)) least = head.value;
      }
      if (least === undefined) return;
      yield least;
      for (const [i, head] of heads.entries()) {
        const list = lists[i];
        if (list === undefined || head.done === true || Buffer.compare(head.value.digest, least.digest) !== 0) continue;
        heads[i] = await list.next();
      }
    }
  } finally {
    for (const list of lists) await list.return?.();
  }
}
