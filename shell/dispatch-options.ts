import type { Command, ShellServices } from '../commands/command.ts';
import type { LocalSession, Session } from '../commands/session.ts';
import type { Octets } from '../core/base/octets.ts';
import type { ParsedCommand } from './line/line.ts';
import type { SkipReference } from './line/word.ts';
import type { Messages } from './output/messages.ts';
import type { SinkOutput } from './output/output.ts';

/** The parts that a dispatcher needs; all belong to one session. */
export interface DispatchOptions {
  readonly session: Session;
  /** The session of a shell on this machine; undefined for a client of a mount. */
  readonly local: LocalSession | undefined;
  /** Throws if the tree's named Store does not exist, or is sealed and has no key. */
  readonly requireStore: (action: string, mayMake: boolean) => void;
  readonly services: ShellServices;
  readonly skipReference: SkipReference;
  readonly messages: Messages;
  /** Results that are not redirected. */
  readonly output: SinkOutput;
  readonly plan: boolean;
  /** `-q`: commands do not print what they did. */
  readonly quiet?: boolean;
  /** `-x`: each command is echoed on stderr. */
  readonly echo: boolean;
  readonly home: Octets;
  readonly now: () => Date;
  /** Throws if this client may not run a command; by default it may run all. */
  readonly permit?: (command: Command, parsed: ParsedCommand) => void;
  /** Starts a job, `LIST &`; undefined if jobs are not available. */
  readonly background: ((line: Octets) => { readonly number: number; readonly line: string }) | undefined;
  /** Output of one command to a file or a local command. */
  readonly withRedirect: (
    command: ParsedCommand,
    signal: AbortSignal,
    run: (output: SinkOutput, signal: AbortSignal) => Promise<void>,
  ) => Promise<void>;
}
