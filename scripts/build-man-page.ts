import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../commands/all-commands.ts';
import { manPage, readManTemplate } from '../shell/man-page.ts';
import { PROJECT_ROOT } from './project-root.ts';

/** Writes man/vtftp.1 from its template and the commands; with --check, it only reports whether the page is up to date. */
const file = join(PROJECT_ROOT, 'man/vtftp.1');
const text = manPage(readManTemplate(PROJECT_ROOT), COMMANDS);

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('man/vtftp.1 is not what the commands say: run node dist/scripts/build-man-page.js');
  process.exitCode = 1;
}
