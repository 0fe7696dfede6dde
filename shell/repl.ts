import type { Key } from 'node:readline';
import type { REPLServer } from 'node:repl';
import { start } from 'node:repl';
import { appendAll } from '../core/base/lists.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsFromText } from '../core/base/octets.ts';
import { skipReference } from '../core/dirent/reference-skip.ts';
import { ArchiveNews } from './archive-news.ts';
import { EXIT } from './exit-status.ts';
import { HISTORY_SIZE, prepareHistoryFile } from './history.ts';
import type { CompletionOptions } from './line/completion.ts';
import { completeLine } from './line/completion.ts';
import { HeldKeys } from './line/held-keys.ts';
import { LineJoiner } from './line/line.ts';
import { BRACKETED_PASTE_OFF, BRACKETED_PASTE_ON, PASTED_NEWLINE, PasteFilter } from './line/paste.ts';
import { LineEditor } from './line-editor.ts';
import { homeOctets } from './places.ts';
import { promptText } from './prompt-text.ts';
import type { Shell } from './shell.ts';
import { VERSION } from './version.ts';

/** The prompt while a quote is open. */
const CONTINUATION = '> ';

/** The prompt: reads lines from the terminal and runs them one after the other, until quit, Ctrl-D or a signal. */
export async function runPrompt(shell: Shell): Promise<void> {
  const { session, signals, terminal, history } = shell;
  const { stdin, stdout } = process;
  const filter = new PasteFilter();
  stdin.pipe(filter);
  const keys = filter.pipe(new HeldKeys());
  // After the terminal is closed each use of it fails; the session's changes must be kept all the same.
  const hangUp = (): void => signals.end(EXIT.terminated, 'the terminal is gone');
  stdin.on('error', hangUp);
  stdout.on('error', hangUp);
  // The properties that readline needs of a terminal; it sets raw mode through the stream that it reads from.
  const input = Object.assign(keys, { isTTY: true, setRawMode: (mode: boolean) => stdin.setRawMode(mode) });

  /** Lines with an open quote wait for its end. */
  const joiner = new LineJoiner(skipReference);
  const prompt = (): string => (joiner.isOpen ? CONTINUATION : promptText(shell));
  using news = new ArchiveNews(session);
  const tellNews = (): void => {
    const line = shell.args.quiet || shell.args.plan ? undefined : news.take();
    if (line !== undefined) shell.messages.note(line);
  };
  let queue: Promise<void> = Promise.resolve();
  let waiting = 0;
  /** Incremented when Ctrl-C drops the waiting lines. */
  let epoch = 0;
  if (!shell.args.quiet)
    shell.messages.note(
      `vtftp ${VERSION}: put DIR keeps a directory, ls lists what is kept, help lists the commands, quit saves and leaves`,
    );
  const editor = new LineEditor(
    stdout,
    () => history,
    () => !signals.isBusy && waiting === 0 && !joiner.isOpen && shell.output.isStyled && session.settings.get('suggest') !== 'off',
  );
  const resizers = new Set(stdout.listeners('resize'));
  // Before the prompt appears and text can be pasted.
  stdout.write(BRACKETED_PASTE_ON);
  const server: REPLServer = start({
    prompt: promptText(shell),
    input: input as unknown as NodeJS.ReadStream,
    output: stdout,
    terminal: true,
    preview: false,
    ignoreUndefined: true,
    completer: completer(shell, joiner, editor),
    // Keys of the next line are held back until this one has run.
    eval: (text, _context, _file, done) => {
      const typed = text.replace(/\n$/, '').replaceAll(PASTED_NEWLINE, '\n');
      const line = joiner.take(octetsFromText(typed));
      waiting++;
      const typedIn = epoch;
      queue = queue.then(async () => {
        if (typedIn === epoch && line !== undefined) await runTyped(shell, line);
        waiting--;
        if (waiting === 0 && !session.isQuitting) tellNews();
        server.setPrompt(prompt());
        if (session.isQuitting || signals.ended.aborted) server.close();
        else if (waiting === 0) {
          done(null, undefined);
          keys.release();
        }
      });
    },
  });
  editor.attach(server, keys);
  using _redraws = redrawsWhere(stdout, resizers, () => waiting === 0 && !signals.isBusy && !signals.ended.aborted);
  // After readline has seen the key: the end of a line that runs nothing.
  keys.on('keypress', (_text: string | undefined, { sequence = '' }: Key) => {
    if (/[\r\n]$/.test(sequence) && waiting === 0) keys.release();
  });
  server.on('SIGTSTP', () => {
    stdout.write(BRACKETED_PASTE_OFF);
    stdin.setRawMode(false);
    // All in the foreground, as the terminal itself would have it. The call returns when somebody lets it continue, or at once where no shell
    // could: then the system stops nothing.
    process.kill(0, 'SIGTSTP');
    setImmediate(() => {
      if (signals.ended.aborted) return;
      stdin.setRawMode(true);
      stdout.write(BRACKETED_PASTE_ON);
      if (!signals.isBusy) server.displayPrompt();
    });
  });
  // Text typed while a command ran gets the cursor at its end, where node:repl would put it at the start.
  const display = server.displayPrompt.bind(server);
  server.displayPrompt = () => display(true);
  unlearnDotCommands(server, (text) => {
    const line = joiner.take(octetsFromText(text));
    waiting++;
    queue = queue.then(async () => {
      if (line !== undefined) await runTyped(shell, line);
      waiting--;
      server.setPrompt(prompt());
      server.displayPrompt();
      keys.release();
    });
  });
  Object.assign(server, { historySize: HISTORY_SIZE });
  await loadHistory(server, shell);
  server.on('line', (line: string) => {
    if (line.trim() !== '') history.push(line);
  });
  server.removeAllListeners('SIGINT');
  server.on('SIGINT', () => {
    if (signals.isBusy) signals.interruptByKey();
    else {
      joiner.drop();
      if (waiting > 0) {
        // Ctrl-C right after Enter: the line was accepted, but not started.
        epoch++;
        stdout.write('^C\n');
      } else {
        dropLine(server, prompt());
        keys.release();
      }
    }
  });
  terminal.setPrompt(
    () => {
      stdout.write(BRACKETED_PASTE_OFF);
      stdin.unpipe(filter);
      stdin.pause();
      stdin.setRawMode(false);
      return () => {
        stdin.setRawMode(true);
        stdin.pipe(filter);
        stdin.resume();
        stdout.write(BRACKETED_PASTE_ON);
      };
    },
    () => {
      server.setPrompt(prompt());
      server.displayPrompt();
    },
  );

  await new Promise<void>((resolve) => {
    server.once('exit', resolve);
    if (signals.ended.aborted) server.close();
    else signals.ended.addEventListener('abort', () => server.close(), { once: true });
  });
  await queue;
  // Nothing in it runs: its quote is open.
  if (joiner.isOpen && !signals.ended.aborted) await runTyped(shell, joiner.drop());
  stdout.write(BRACKETED_PASTE_OFF);
  stdin.unpipe(filter);
  stdin.pause();
  if (!session.isQuitting) stdout.write('\n');
}

/** Runs a typed line; the session continues even if it fails. */
async function runTyped({ dispatcher, session, signals, messages, output }: Shell, line: Octets): Promise<void> {
  if (session.isQuitting || signals.ended.aborted) return;
  try {
    await signals.during(async (signal) => await dispatcher.runLine(line, signal, { typed: true }));
  } catch (error) {
    messages.error(error);
  }
  output.endLine();
  try {
    await output.flush();
  } catch (error) {
    messages.error(error);
  }
}

/**
 * readline draws its prompt again when the terminal has another size. While a line runs, that would be in the middle of its output.
 *
 * @param known - listeners that are not readline's
 */
function redrawsWhere(output: NodeJS.WriteStream, known: ReadonlySet<unknown>, isAtPrompt: () => boolean): Disposable {
  const redraws = output.listeners('resize').filter((listener) => !known.has(listener)) as (() => void)[];
  const redraw = (): void => {
    if (isAtPrompt()) for (const each of redraws) each();
  };
  for (const each of redraws) output.off('resize', each);
  output.on('resize', redraw);
  return { [Symbol.dispose]: () => output.off('resize', redraw) };
}

function completer({ session, services, places }: Shell, joiner: LineJoiner, editor: LineEditor) {
  const options: CompletionOptions = {
    commands: services.commands,
    session,
    skipReference,
    home: homeOctets(places),
    clauses: clausesOf(services),
  };
  return (line: string, answer: (error: Error | null, result: [string[], string]) => void): void => {
    // The word began on an earlier line; only its end is here.
    if (joiner.isOpen) answer(null, [[], line]);
    else {
      const isAgain = editor.wasTab;
      void completeLine(line, options)
        .then(async (completion) => await editor.complete(completion, isAgain))
        .then((result) => answer(null, result));
    }
  };
}

function clausesOf(services: Shell['services']): string[] {
  return services.origins().flatMap(({ name, value }) => (name === 'clause' && value !== undefined ? [value] : []));
}

/** Ctrl-C at the prompt: clears the line and shows the prompt again. */
function dropLine(server: REPLServer, prompt: string): void {
  server.write(null, { ctrl: true, name: 'e' });
  process.stdout.write('^C\n');
  Object.assign(server, { line: '', cursor: 0 });
  server.setPrompt(prompt);
  server.displayPrompt();
}

/** Removes node:repl's own commands (`.exit`, `.load`, …): a line that starts with a dot is an ordinary line. */
function unlearnDotCommands(server: REPLServer, run: (text: string) => void): void {
  const handler: ProxyHandler<object> = {
    get: (_target, keyword) =>
      typeof keyword === 'string' ? { help: '', action: (rest: string) => run(`.${keyword} ${rest}`) } : undefined,
  };
  Object.defineProperty(server, 'commands', { value: new Proxy({}, handler) });
}

/** Lines of earlier sessions; kept by node:repl, the newest first in its file. */
async function loadHistory(server: REPLServer, { places, history }: Shell): Promise<void> {
  const path = places.state === undefined ? undefined : prepareHistoryFile(`${places.state}/history`);
  if (path === undefined) return;
  await new Promise<void>((resolve) => {
    server.setupHistory(path, () => resolve());
  });
  const kept = (server as REPLServer & { readonly history?: readonly string[] }).history ?? [];
  appendAll(history, kept.toReversed());
}
