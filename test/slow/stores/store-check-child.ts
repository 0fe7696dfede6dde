import { checkStore } from './check-store.ts';
import type { StoreCheck } from './store-check.ts';

// Checks one Store after the other, as told by the parent; answers with what is wrong, or with true.

process.on('message', (message: StoreCheck) => {
  checkStore(message).then(
    (wrong) => process.send?.(wrong ?? true),
    (error: unknown) => process.send?.(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  );
});
