import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VtError } from '../core/base/errors.ts';

/** The folder of the program. */
const FOLDER = dirname(fileURLToPath(import.meta.url));

/**
 * Names the reason if a part of the program could not be loaded: another version was installed, or this one removed, while it ran.
 * Other errors are returned as they are.
 */
export function namedIfReplaced(error: unknown): unknown {
  const { code, path = '' } = (error instanceof Error ? error : {}) as { readonly code?: unknown; readonly path?: unknown };
  const isGone = code === 'ERR_MODULE_NOT_FOUND' || (code === 'ENOENT' && String(path).startsWith(`${FOLDER}/`));
  if (!isGone) return error;
  const remedy = 'quit saves the tree; then start vtftp again';
  return new VtError('EFAILED', 'vtftp was replaced or removed while it ran', { cause: error, remedy });
}
