import { existsSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { UsageError } from '../core/base/errors.ts';
import { errorCode, errorReason } from '../core/base/system/system-error.ts';
import type { ProgramArguments } from './argv.ts';
import { commandAt, PROGRAM_OPTIONS, parseArgv, programHelp, withEnvironment } from './argv.ts';
import { EXIT } from './exit-status.ts';
import { writeStderr, writeWhole } from './output/write-whole.ts';
import { VERSION } from './version.ts';

// The entry point: reads argv and loads only the modules that it needs.

/** Reads argv, which may end in a command and its words. */
async function readArguments(given: readonly string[]): Promise<ProgramArguments> {
  const at = commandAt(given);
  if (at === undefined) return parseArgv(given);
  const { oneShotLine } = await import('./one-shot.ts');
  const line = oneShotLine(given.slice(at));
  if (line === undefined) return parseArgv(given);
  const args = parseArgv(given.slice(0, at));
  if (args.commands.length === 0 && args.batch === undefined) return { ...args, commands: [line], typed: line };
  // Beside -c and -b there is no other command: a file of that name is what to open.
  const [name = '', next = '-'] = given.slice(at);
  if (next.startsWith('-') && existsSync(name)) return parseArgv(given);
  throw new UsageError(`"${name}": a command cannot follow -c or -b`, { remedy: 'use another -c' });
}

/** The text of --help, --version and the like, which is printed instead of starting a session. */
async function textOf({ schema, help, version, completion, json }: ProgramArguments): Promise<string | undefined> {
  if (help) return json ? objectLine({ help: programHelp() }) : `${programHelp()}\n`;
  if (version) return json ? objectLine({ version: VERSION }) : `vtftp ${VERSION}\n`;
  if (schema) {
    const [{ COMMANDS }, { outputSchema }] = await Promise.all([import('../commands/all-commands.ts'), import('./output/schema.ts')]);
    return `${JSON.stringify(outputSchema(COMMANDS), undefined, json ? 0 : 2)}\n`;
  }
  if (completion === undefined) return undefined;
  const [{ COMMANDS }, { completionScript }] = await Promise.all([import('../commands/all-commands.ts'), import('./completion-script.ts')]);
  return completionScript(completion, PROGRAM_OPTIONS, COMMANDS);
}

function objectLine(value: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(value)}\n`;
}

/** @returns the exit status */
async function main(): Promise<number> {
  let args: ProgramArguments;
  const given = process.argv.slice(2);
  try {
    const isMangled = given.some((arg) => arg.includes('\ufffd'));
    args = await readArguments(isMangled ? (await import('./output/argv-octets.ts')).withOctets(given) : given);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { errorLine } = await import('./output/error-line.ts');
    const { remedy } = error;
    const text = `vtftp: ${errorLine(error).text}`;
    if (given.includes('--json')) writeStderr(objectLine({ command: 'vtftp', error: text, code: error.code, remedy, status: EXIT.usage }));
    else writeStderr(`${text}${remedy === undefined ? '' : ` (${remedy})`}\n`);
    return EXIT.usage;
  }
  const text = await textOf(args);
  if (text !== undefined) {
    try {
      writeWhole(1, Buffer.from(text));
      return EXIT.done;
    } catch (error) {
      if (errorCode(error) === 'EPIPE') return EXIT.outputClosed;
      writeStderr(`vtftp: cannot write standard output: ${errorReason(error)}\n`);
      return EXIT.failed;
    }
  }
  const { runShell } = await import('./run.ts');
  setTimeout(tuneEngine, 50).unref();
  return await runShell(withEnvironment(args, process.env));
}

/**
 * Makes V8 optimise less. The flags are set late: V8 discards code compiled under other flags, even of Node's own modules, and short
 * runs gain nothing from them.
 */
function tuneEngine(): void {
  // Compiling inlined functions takes a quarter of the processor time of a run of a few seconds. With less of it, `get` and `put`
  // of many small files take a tenth less. Large files spend their time in kernels anyway.
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=100');
  // The old heap is collected when it has grown by half, not when it is four times as large. `put` of 50,000 files takes an eighth less
  // memory, and 2 % more of the processors' time.
  setFlagsFromString('--heap-growing-percent=50');
}

// The default: without it Node would end with status 0 if nothing is left that could settle the promise.
process.exitCode = EXIT.failed;
void main().then((status) => {
  process.exitCode = status;
});
