import { writeFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import v8 from 'node:v8';
import type { CompiledChunk } from './program-start.ts';
import { COMPILED_SUFFIX, startProgram } from './program-start.ts';

/**
 * `node compile-chunks.js FOLDER ENTRY WORD…`: runs the bundled program with these words. It writes V8's compiled code of each loaded
 * chunk to a file beside the chunk.
 */

const [folder = '', entry = '', ...words] = process.argv.slice(2);
const compiled: CompiledChunk[] = [];

// The program sets a V8 flag once it is loaded, which would become part of the compiled code.
v8.setFlagsFromString = () => undefined;
syncBuiltinESMExports();
process.on('exit', () => {
  for (const chunk of compiled) writeFileSync(join(folder, `${chunk.name}${COMPILED_SUFFIX}`), chunk.createCachedData());
});
process.argv = [process.execPath, join(folder, 'vtftp.js'), ...words];
startProgram(createRequire(join(folder, 'vtftp.js')), folder, entry, (chunk) => compiled.push(chunk));
