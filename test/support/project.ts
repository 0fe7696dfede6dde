import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json: tests find their golden files from here. */
export const PROJECT_ROOT: string = process.env['VTFTP_ROOT'] ?? findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'vtftp') return folder;
    if (dirname(folder) === folder) throw new Error(`find the project: no package.json of vtftp above "${start}"`);
  }
}
