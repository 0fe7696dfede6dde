import type { ShellServices } from '../../commands/command.ts';
import type { LocalSession } from '../../commands/session.ts';
import { VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { errorReason } from '../../core/base/system/system-error.ts';
import type { ParsedCommand } from '../line/line.ts';
import { openRedirect } from '../line/redirect.ts';
import { PLAIN_STYLE, SinkOutput } from './output.ts';
import { StreamSink } from './sink.ts';

/** Columns of an output that is not a terminal. */
export const DEFAULT_COLUMNS = 80;

export interface RedirectOptions {
  readonly session: LocalSession;
  readonly env: ShellServices['env'];
  readonly json: boolean;
  /** Standard output of local commands: ours, or stderr if ours carries JSON. */
  readonly localStdout: 1 | 2;
}

/** Runs a command with its results going to `> file`, `>> file` or `| local command`. */
export async function runRedirected(
  parsed: ParsedCommand,
  signal: AbortSignal,
  run: (output: SinkOutput, signal: AbortSignal) => Promise<void>,
  options: RedirectOptions,
): Promise<void> {
  if (parsed.pipe !== undefined) await runPiped(parsed.pipe, signal, run, options);
  else if (parsed.redirect !== undefined) await runToFile(parsed.redirect, signal, run, options);
}

function fileOutput(sink: ConstructorParameters<typeof SinkOutput>[0], options: RedirectOptions): SinkOutput {
  return new SinkOutput(sink, { json: options.json, terminal: false, columns: () => DEFAULT_COLUMNS, style: PLAIN_STYLE });
}

async function runToFile(
  { target, append }: NonNullable<ParsedCommand['redirect']>,
  signal: AbortSignal,
  run: (output: SinkOutput, signal: AbortSignal) => Promise<void>,
  options: RedirectOptions,
): Promise<void> {
  const opened = await openRedirect(target.text, options.session.localCwd, append, signal);
  try {
    await run(fileOutput(opened.sink, options), signal);
    await opened.commit();
  } catch (error) {
    await opened.rollback();
    // Errors of writes by descriptor have no path.
    if (error instanceof Error && 'syscall' in error && error.syscall === 'write' && !('path' in error))
      throw new VtError('EFAILED', `write "${octetsToText(target.text)}": ${errorReason(error)}`, { cause: error });
    throw error;
  }
}

async function runPiped(
  line: NonNullable<ParsedCommand['pipe']>,
  signal: AbortSignal,
  run: (output: SinkOutput, signal: AbortSignal) => Promise<void>,
  options: RedirectOptions,
): Promise<void> {
  const { startLocal } = await import('../local-process.ts');
  const { child, exit } = startLocal(line, {
    cwd: options.session.localCwd,
    env: options.env,
    stdio: ['pipe', options.localStdout, 'inherit'],
    signal,
  });
  const { stdin } = child;
  if (stdin === null) throw new VtError('EFAILED', `run local "${octetsToText(line)}": it has no standard input`);
  // A reader that closes early (`| head`) ends the command, which is not an error.
  const gone = new AbortController();
  const sink = new StreamSink(stdin, () => gone.abort());
  let failure: { readonly error: unknown } | undefined;
  try {
    await run(fileOutput(sink, options), AbortSignal.any([signal, gone.signal]));
  } catch (error) {
    if (!gone.signal.aborted || signal.aborted) failure = { error };
  }
  await sink.close();
  const { status } = await exit;
  if (failure !== undefined) throw failure.error;
  if (status !== 0) throw new VtError('EFAILED', `local command ${octetsToText(line)}: ended with status ${status}`);
}
