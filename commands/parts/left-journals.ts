import { canWrite, capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';

/** Changes of a killed mount that no archive has yet. */
export interface LeftOfMount {
  /** Its path, if it is a file that was set aside. */
  readonly file: string | undefined;
  readonly text: string;
  readonly trouble: string;
}

/** Lists changes that were synced on mounts but not recorded: journals that wait for space or a repair, and files that were set aside. */
export async function leftJournals(store: Store): Promise<readonly LeftOfMount[]> {
  const journals = capability(store, 'journals');
  if (journals === undefined) return [];
  const found: LeftOfMount[] = [];
  // A read-only Store gives no lock, and the session has already warned.
  if (canWrite(store) && (await journals.hasLeft()))
    found.push({ file: undefined, text: 'of a mount whose process died', trouble: 'changes synced there are not recorded yet' });
  for (const file of journals.listAside())
    found.push({ file, text: file, trouble: 'it has changes of a mount that could not be recorded; remove it when you no longer need it' });
  return found;
}
