import { canWrite, capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';

/** Changes in a Store, left by a mount whose process died, that no archive has. */
export interface LeftOfMount {
  /** Its path in the Store, where it is a file that was set aside. */
  readonly file: string | undefined;
  readonly text: string;
  readonly trouble: string;
}

/** What was synced on mounts and is not recorded: journals that wait for room or a repair, and files that were set aside. */
export async function leftJournals(store: Store): Promise<readonly LeftOfMount[]> {
  const journals = capability(store, 'journals');
  if (journals === undefined) return [];
  const found: LeftOfMount[] = [];
  // Where nothing can be written no lock can be had, and the session has told of it.
  if (canWrite(store) && (await journals.hasLeft()))
    found.push({ file: undefined, text: 'of a mount whose process died', trouble: 'changes synced there are not recorded yet' });
  for (const file of journals.listAside())
    found.push({ file, text: file, trouble: 'it has changes of a mount that could not be recorded; remove it when you no longer need it' });
  return found;
}
