import { existsSync, readFileSync, statSync } from 'node:fs';
import { VtError } from '../core/base/errors.ts';
import { errorReason } from '../core/base/system-error.ts';
import type { Configuration } from './configuration.ts';
import { noClause } from './configuration.ts';

/**
 * Reads a configuration. The parser is loaded only where there is a file.
 *
 * @param file - its path
 * @param mustExist - it was asked for by name
 * @throws {VtError} EOPEN if it cannot be read, EUSAGE if its text cannot be understood
 */
export async function readConfiguration(file: string, mustExist: boolean): Promise<Configuration> {
  if (!mustExist && !existsSync(file)) return { file, clause: (name) => noClause(file, name, []), defaultStore: undefined };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new VtError('EOPEN', `read configuration "${file}": ${errorReason(error)}`, {
      cause: error,
      remedy: mustExist ? 'name a file that is there' : 'mend its permissions, or remove it',
    });
  }
  const { parseConfiguration } = await import('./config-clauses.ts');
  return { ...parseConfiguration(text, file), distrusts: distrustOf(file) };
}

/** Whether somebody else may have written a configuration. */
function distrustOf(file: string): string | undefined {
  const { uid, mode } = statSync(file);
  const isOwn = process.geteuid === undefined || uid === process.geteuid() || uid === 0;
  if (isOwn && (mode & WRITABLE_BY_OTHERS) === 0) return undefined;
  return `give it on the command line, or make "${file}" your own: chown and chmod go-w`;
}

const WRITABLE_BY_OTHERS = 0o002;
