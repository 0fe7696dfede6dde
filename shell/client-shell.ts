import type { ClientShell, Command, ShellServices } from '../commands/command.ts';
import type { Session } from '../commands/session.ts';
import { isLocalKind } from '../commands/words/argument-spec.ts';
import { VtError } from '../core/base/errors.ts';
import { octetsFromText, octetsToText } from '../core/base/octets.ts';
import { skipReference } from '../core/dirent/reference-skip.ts';
import { Dispatcher } from './dispatch.ts';
import { parseOptions } from './line/arguments.ts';
import type { ParsedCommand } from './line/line.ts';
import { Messages } from './output/messages.ts';
import { PLAIN_STYLE, SinkOutput } from './output/output.ts';
import { ProgressView } from './output/progress.ts';
import { DEFAULT_COLUMNS } from './output/redirected-output.ts';
import type { Sink } from './output/sink.ts';
import { ClientSession } from './session/client-session.ts';

/** Octets of unsent answers after which a client's command waits. */
const HELD_BYTES = 64 * 1024;

/** Runs commands for a client of the control channel: those that act on the tree, without local files or programs. */
export function makeClientShell(session: Session, services: ShellServices, now: () => Date): ClientShell {
  const own = new ClientSession(session);
  return {
    async run(commands, answer, signal) {
      const sink = new AnswerSink(answer);
      const write = (text: string): void => sink.write(Buffer.from(text));
      const nowMs = (): number => now().getTime();
      const progress = new ProgressView({ write, mode: 'none', nowMs, columns: () => DEFAULT_COLUMNS });
      const messages = new Messages({ write, json: true, quiet: false, style: PLAIN_STYLE, progress });
      const output = new SinkOutput(sink, { json: true, terminal: false, columns: () => DEFAULT_COLUMNS, style: PLAIN_STYLE });
      let end: Readonly<Record<string, unknown>> = { status: 0 };
      const dispatcher = new Dispatcher(
        {
          session: own,
          local: undefined,
          requireStore: () => {},
          services: { ...services, interactive: false, view: (action) => Promise.reject(notHere(action)) },
          skipReference,
          messages,
          output,
          plan: false,
          echo: false,
          home: octetsFromText('/'),
          now,
          permit,
          background: undefined,
          withRedirect: async () => {
            await Promise.resolve();
            throw notHere('redirect output');
          },
        },
        () => signal.aborted,
      );
      try {
        await dispatcher.run(commands, signal, {
          typed: false,
          onError: (error) => {
            end = messages.errorRecord(error);
          },
        });
      } catch (error) {
        end = messages.errorRecord(error);
      }
      await sink.close();
      return end;
    },
  };
}

/** Refuses commands that reach beyond the tree. */
function permit(command: Command, parsed: ParsedCommand): void {
  const { name, options = [], reach } = command;
  if (reach !== 'tree') throw notHere(name);
  const words = parsed.words.slice(1).map(({ text }) => octetsToText(text));
  const given = parseOptions(command, name, parsed.words.slice(1)).options;
  for (const option of options)
    if (option.value !== undefined && isLocalKind(option.value.kind) && given.has(option.name)) throw notHere(`${name} --${option.name}`);
  // The top Dir is what the mount shows.
  if (name === 'bind' && words.some((word) => /^[./]+$/.test(word))) throw notHere('bind the top Dir');
}

function notHere(action: string): VtError {
  return new VtError('EPERM', `${action}: not allowed over the control channel`, { remedy: 'use a shell of your own' });
}

/** Takes lines of JSON and sends them on as records. */
class AnswerSink implements Sink {
  readonly #answer: (record: Readonly<Record<string, unknown>>) => Promise<void>;
  #text = '';
  #sent: Promise<void> = Promise.resolve();

  constructor(answer: (record: Readonly<Record<string, unknown>>) => Promise<void>) {
    this.#answer = answer;
  }

  write(data: Uint8Array): void {
    this.#text += Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
    if (this.#text.length >= HELD_BYTES) this.#send();
  }

  async flush(): Promise<void> {
    this.#send();
    await this.#sent;
  }

  async close(): Promise<void> {
    await this.flush();
  }

  #send(): void {
    const lines = this.#text.split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') continue;
      const record = JSON.parse(line) as Readonly<Record<string, unknown>>;
      this.#sent = this.#sent.then(async () => await this.#answer(record));
    }
  }
}
