import type { ShellServices } from '../commands/command.ts';
import type { ProgramArguments } from './argv.ts';
import type { Dispatcher } from './dispatch.ts';
import type { Messages } from './output/messages.ts';
import type { SinkOutput } from './output/output.ts';
import type { FdSink } from './output/sink.ts';
import type { Places } from './places.ts';
import type { TerminalHolder } from './services.ts';
import type { ShellSession } from './session/session.ts';
import type { Signals } from './signals.ts';

/** What one run of the shell is made of. */
export interface Shell {
  readonly args: ProgramArguments;
  readonly places: Places;
  readonly session: ShellSession;
  readonly dispatcher: Dispatcher;
  readonly services: ShellServices;
  readonly signals: Signals;
  readonly messages: Messages;
  readonly output: SinkOutput;
  /** The standard error. */
  readonly errors: FdSink;
  readonly terminal: TerminalHolder;
  readonly history: string[];
}
