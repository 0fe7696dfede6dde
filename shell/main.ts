#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { UsageError } from '../core/base/errors.ts';
import { errorCode, errorReason } from '../core/base/system-error.ts';
import type { ProgramArguments } from './argv.ts';
import { parseArgv, programHelp } from './argv.ts';
import { EXIT } from './exit-status.ts';
import { VERSION } from './version.ts';

// The entry: finds out what is asked for, and loads what that takes.

async function main(): Promise<void> {
  let args: ProgramArguments;
  try {
    args = parseArgv(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    writeSync(2, `vtftp: ${error.message}${error.remedy === undefined ? '' : ` (${error.remedy})`}\n`);
    process.exitCode = EXIT.usage;
    return;
  }
  if (args.help || args.version) {
    try {
      writeSync(1, args.help ? `${programHelp()}\n` : `vtftp ${VERSION}\n`);
    } catch (error) {
      process.exitCode = errorCode(error) === 'EPIPE' ? EXIT.outputClosed : EXIT.failed;
      if (errorCode(error) !== 'EPIPE') writeSync(2, `vtftp: cannot write standard output: ${errorReason(error)}\n`);
    }
    return;
  }
  const { runShell } = await import('./run.ts');
  process.exitCode = await runShell(args);
}

// Most runs last seconds, and machine code of functions inlined into functions took a quarter of the processors' time: with less
// of it, `get` and `put` of many small files take a tenth less, and what is large spends its time in kernels anyway.
setFlagsFromString('--max-inlined-bytecode-size-cumulative=100');

await main();
