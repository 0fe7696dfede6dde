import { existsSync, readFileSync } from 'node:fs';
import { VtError } from '../../core/base/errors.ts';
import { readStateFile } from '../../core/base/system/read-state-file.ts';
import { errorReason } from '../../core/base/system/system-error.ts';
import { requireTrusted } from '../../core/base/system/trusted-file.ts';
import type { Configuration } from './configuration.ts';
import { noClause } from './configuration.ts';

/**
 * Reads a configuration. The parser is loaded only if there is a file.
 *
 * @param file - its path; undefined without a home directory
 * @param mustExist - whether the user named it
 * @throws {VtError} EOPEN if it cannot be read, EPERM if others may have written it, EUSAGE if its text is invalid
 */
export async function readConfiguration(file: string | undefined, mustExist: boolean): Promise<Configuration> {
  if (file === undefined) return withoutClauses('vtftp.conf');
  if (!mustExist && !existsSync(file)) return withoutClauses(file);
  let text: string;
  try {
    requireTrusted(file, 'configuration');
    // A file given by name may be a pipe.
    text = (mustExist ? readFileSync(file) : readStateFile(file)).toString().replace(/^\ufeff/, '');
  } catch (error) {
    if (error instanceof VtError) throw error;
    throw new VtError('EOPEN', `read configuration "${file}": ${errorReason(error)}`, {
      cause: error,
      remedy: mustExist ? 'name an existing file' : 'correct its permissions, or remove it',
    });
  }
  const { parseConfiguration } = await import('./config-clauses.ts');
  return parseConfiguration(text, file);
}

function withoutClauses(file: string): Configuration {
  return { file, names: [], clause: (name) => noClause(file, name, []), defaultStore: undefined };
}
