import { readFileSync } from 'node:fs';
import { VtError } from '../core/base/errors.ts';
import { errorReason } from '../core/base/system-error.ts';

/**
 * Reads a configuration: `[name]` clauses with `store = SPECIFICATION` in each; `#` and `;` start comments.
 *
 * @param file - its path
 * @param mustExist - it was asked for by name
 * @returns clause name to Store specification
 */
export function readConfig(file: string, mustExist: boolean): ReadonlyMap<string, string> {
  const clauses = new Map<string, string>();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (!mustExist && error instanceof Error && 'code' in error && error.code === 'ENOENT') return clauses;
    throw new VtError('EOPEN', `read configuration "${file}": ${errorReason(error)}`, { cause: error });
  }
  let clause: string | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    const heading = /^\[([^\]]+)\]$/.exec(trimmed)?.[1];
    const setting = /^([\w-]+)\s*=\s*(.*)$/.exec(trimmed);
    if (heading !== undefined) clause = heading;
    else if (setting?.[1] === 'store' && setting[2] !== undefined && clause !== undefined) clauses.set(clause, setting[2]);
    else throw new VtError('EUSAGE', `${file}:${i + 1}: expected [NAME] or store = SPECIFICATION`);
  }
  return clauses;
}
