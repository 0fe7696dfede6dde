import { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { Dispatcher } from '../dispatch.ts';
import type { DispatchOptions } from '../dispatch-options.ts';
import { Messages } from '../output/messages.ts';
import { type OutputOptions, SinkOutput } from '../output/output.ts';
import type { ProgressView } from '../output/progress.ts';
import type { Sink } from '../output/sink.ts';
import type { Style } from '../output/style.ts';
import type { TerminalHolder } from '../services.ts';
import type { ShellSession } from '../session/session.ts';
import { BesideSink } from './beside-sink.ts';
import { JobSession } from './job-session.ts';
import type { BackgroundJob } from './job-table.ts';

/** The parts that jobs need; all belong to one session. */
export interface JobParts {
  /** The options of the foreground. */
  readonly options: DispatchOptions;
  readonly session: ShellSession;
  /** Fires when the session ends. */
  readonly ended: AbortSignal;
  readonly terminal: TerminalHolder;
  readonly progress: ProgressView;
  /** The sink for results. */
  readonly sink: Sink;
  readonly outputOptions: OutputOptions;
  /** Writes to stderr, or among the answers. */
  readonly write: (text: string) => void;
  readonly errorStyle: Style;
  readonly redirect: (session: JobSession) => DispatchOptions['withRedirect'];
}

/** Runs a line in the background. Its output appears above the prompt. */
export function startJob(parts: JobParts, line: Octets): BackgroundJob {
  const { options, session, terminal, progress } = parts;
  if (session.view !== undefined)
    throw new VtError('EUNSUPPORTED', `run "${octetsToText(line)}" as a job: a past state is shown`, {
      remedy: 'go back by cd @, and name past states as NAME@N',
    });
  const { json, quiet = false } = { json: parts.outputOptions.json, quiet: options.quiet };
  const unpin = session.pin();
  return session.jobs.start(octetsToText(line), parts.ended, async (job, signal) => {
    const own = progress.job(`[${job.number}]`);
    job.progress = () => own.statusLine();
    const write = (text: string): void => terminal.beside(() => parts.write(text));
    const messages = new Messages({ write, json, quiet, style: parts.errorStyle, progress: own, over: options.messages });
    const output = new SinkOutput(new BesideSink(parts.sink, terminal), parts.outputOptions);
    const local = new JobSession(session);
    const dispatcher = new Dispatcher(
      {
        ...options,
        session: local,
        local,
        services: forJob(options.services),
        messages,
        output,
        withRedirect: parts.redirect(local),
        background: undefined,
      },
      () => signal.aborted,
    );
    let failed: { readonly error: unknown } | undefined;
    try {
      await dispatcher.runLine(line, signal, {
        typed: false,
        job: job.number,
        onError: (error) => {
          failed ??= { error };
        },
      });
    } finally {
      own.end();
      await output.flush();
      unpin();
    }
    if (failed !== undefined) throw failed.error;
  });
}

/** The services for a background command: no questions are asked, and no local command gets the terminal. */
function forJob(services: DispatchOptions['services']): DispatchOptions['services'] {
  const refuse = (what: string): VtError => new VtError('EUNSUPPORTED', `${what}: not in a job`, { remedy: 'leave out &' });
  return {
    ...services,
    confirm: async (question) => {
      if (!services.interactive) return await services.confirm(question);
      throw refuse(`ask "${question}"`);
    },
    choose: (question) => (services.interactive ? Promise.reject(refuse(`ask "${question}"`)) : services.choose(question, [])),
    view: (action) => Promise.reject(refuse(action)),
    runLocal: (line) => Promise.reject(refuse(`run local "${octetsToText(line)}"`)),
  };
}
