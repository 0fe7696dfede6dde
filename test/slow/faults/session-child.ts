import { parseArgv } from '../../../shell/argv.ts';
import { runShell } from '../../../shell/run.ts';

// Runs one session of the shell after the other, as told by the parent; answers with the exit status.

process.on('message', (args: readonly string[]) => {
  void runShell(parseArgv([...args])).then((status) => process.send?.(status));
});
