import { existsSync, readFileSync } from 'node:fs';
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
  return parseConfiguration(text, file);
}
