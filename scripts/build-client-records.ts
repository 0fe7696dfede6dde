import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientRecords } from './client-records.ts';
import { PROJECT_ROOT } from './project-root.ts';

/** Writes shell/client/records.ts from the command table; with --check, it only reports whether that file is up to date. */
const file = join(PROJECT_ROOT, 'shell/client/records.ts');
const text = clientRecords();

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('shell/client/records.ts is not what the commands say: run node dist/scripts/build-client-records.js');
  process.exitCode = 1;
}
