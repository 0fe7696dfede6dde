import type { Command, CommandInput, Output, TreeContext } from '../commands/command.ts';
import { localSession } from '../commands/parts/local-session.ts';
import { tellPlan } from '../commands/parts/tell-plan.ts';
import { FILES_FROM0 } from '../commands/words/files-from.ts';
import { ReadOnlyError, VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsToText } from '../core/base/octets.ts';
import { capability, writeRemedy } from '../core/store/capability.ts';
import type { Tree } from '../core/tree/tree.ts';
import { cancelled } from './cancelled.ts';
import { expandArguments, namesListedIn } from './command-arguments.ts';
import { namesOf } from './command-names.ts';
import type { DispatchOptions } from './dispatch-options.ts';
import { assignWords, type ParsedArguments, parseOptions } from './line/arguments.ts';
import { isGlobWord } from './line/glob.ts';
import type { ParsedCommand } from './line/line.ts';
import { isPlainWord, quoteWord } from './line/quote.ts';
import { isPlain, type Word } from './line/word.ts';
import { HeldOutput } from './output/held-output.ts';
import { CommandDiagnostics } from './output/messages.ts';
import type { SinkOutput } from './output/output.ts';
import { QuietOutput } from './output/quiet-output.ts';
import { type Tag, TaggedOutput } from './output/tagged-output.ts';
import { ReadOnlyTree } from './session/read-only-tree.ts';
import { TreeChangeNote } from './session/tree-change-note.ts';

/** A call of a command: the command and its words. */
export interface CommandCall {
  readonly command: Command;
  /** The name as it was typed, in full. */
  readonly calledAs: string;
  readonly parsed: ParsedCommand;
  /** Added to each record of its output. */
  readonly tag: Tag;
}

/**
 * Runs one command: reads its options and arguments, and checks whether it may run here. Under `-n` it only prints the effects.
 *
 * @throws the command's error; {VtError} EPARTIAL if some of its items failed
 */
export async function runCommand(call: CommandCall, sink: SinkOutput, dispatch: DispatchOptions, signal: AbortSignal): Promise<void> {
  const { command, calledAs, parsed, tag } = call;
  const { session, services, plan } = dispatch;
  const output = sink.json ? new TaggedOutput(sink, tag) : sink;
  const read = parseOptions(command, calledAs, parsed.words.slice(1));
  if (read.isHelp) {
    printHelp(output, services.helpText(command.name));
    return;
  }
  const input = await inputOf(call, read, dispatch, signal);
  if (input === undefined) return;
  const isPlanned = plan && (command.changes === true || command.changesLocal === true) && command.plans !== true;
  const tellLine = isPlanned ? (): void => tellPlan(output, lineOf(calledAs, parsed)) : () => undefined;
  // Only a stored tree keeps its changes in memory until a sync: there the planned command runs, and may fail.
  if (!isPlanned || (command.changesLocal !== true && session.tree.can.sync)) await act(call, input, output, dispatch, signal, tellLine);
  else tellLine();
}

/**
 * The input of a command; undefined if its list of names is empty and there is nothing to do.
 *
 * @throws {VtError} if the tree cannot be written, or there is no Store to read
 */
async function inputOf(
  { command, calledAs }: CommandCall,
  { options, repeated, words }: ParsedArguments,
  dispatch: DispatchOptions,
  signal: AbortSignal,
): Promise<CommandInput | undefined> {
  const { tree } = dispatch.session;
  const list = options.get(FILES_FROM0.name);
  const listed = list === undefined || list === true ? undefined : await namesListedIn(list, dispatch, signal);
  const assigned = assignWords(command, calledAs, words, listed);
  if (listed?.length === 0) return undefined;
  if (command.changes === true && !tree.can.write) throw readOnly(calledAs, tree);
  const reads = readsTree(command);
  if (command.changes === true || command.recordsRoot === true || reads) dispatch.requireStore(calledAs, !reads);
  return { ...(await expandArguments(assigned, dispatch, signal)), options, repeated, calledAs };
}

/**
 * Runs a command, with its output held back until the Store for its changes exists.
 *
 * @param onDone - called after it has run
 */
async function act(
  { command, calledAs, parsed, tag }: CommandCall,
  input: CommandInput,
  output: Output,
  dispatch: DispatchOptions,
  signal: AbortSignal,
  onDone: () => void,
): Promise<void> {
  const { session, local, services, messages, plan, now } = dispatch;
  const diagnostics = new CommandDiagnostics(messages, [calledAs, ...namesOf(command)], tag, { isQuiet: parsed.quiet, signal });
  const making = command.changes === true && !plan ? capability(session.store, 'making') : undefined;
  const held = making?.isMade === false ? new HeldOutput(output) : undefined;
  const change = new TreeChangeNote(session);
  const context: TreeContext = {
    session,
    local,
    output: dispatch.quiet === true && command.reports === true && !plan ? new QuietOutput(held ?? output) : (held ?? output),
    diagnostics,
    signal,
    plan,
    now,
    shell: services,
    wouldChange: () => change.wouldBe(),
  };
  const isNoted = (command.changes === true || command.group === 'mount') && !plan;
  const takeBack = isNoted ? session.note(lineOf(calledAs, parsed, command.unnoted)) : undefined;
  const { revision } = session.tree;
  let isTrue = true;
  let isDone = false;
  try {
    await runIn(context, command, input);
    if (held !== undefined) {
      isTrue = false;
      await making?.make();
      isTrue = true;
    }
    onDone();
    isDone = diagnostics.failures === 0;
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    throw error;
  } finally {
    messages.finishProgress();
    if (!isDone && session.tree.revision === revision) takeBack?.();
    if (isTrue) await held?.release();
    if (output.json && isTrue && writes(command)) output.record(change.record(plan));
  }
  if (signal.aborted && command.endsByInterrupt !== true) throw cancelled(signal);
  if (diagnostics.failures > 0) {
    throw new VtError('EPARTIAL', `done in part, ${diagnostics.failures} ${diagnostics.failures === 1 ? 'item' : 'items'} failed`);
  }
}

/** Runs a command in a session that it may act on. */
async function runIn(context: TreeContext, command: Command, input: CommandInput): Promise<void> {
  if (command.reach === 'tree') await command.run(context, input);
  else {
    const local = localSession(context, command.name);
    await command.run({ ...context, session: local, local }, input);
  }
}

/** Whether a word is a pattern that was typed without quotes, and needs none. */
function isPlainPattern(word: Word): boolean {
  return isGlobWord(word) && isPlain(word) && isPlainWord(word.text.replaceAll(/[*?[\]]/g, 'x') as Octets);
}

/** A command as typed. */
function lineOf(calledAs: string, parsed: ParsedCommand, without: readonly string[] = []): string {
  const words = parsed.words.slice(1).filter(({ text }) => !without.includes(text));
  return [calledAs, ...words.map((word) => (isPlainPattern(word) ? octetsToText(word.text) : quoteWord(word.text)))].join(' ');
}

function readOnly(calledAs: string, tree: Tree): ReadOnlyError {
  return tree instanceof ReadOnlyTree ? tree.refusal(calledAs) : new ReadOnlyError(calledAs, tree.name, writeRemedy(tree.store));
}

/** Whether a command may change the tree, its Store or the archive. `lmkdir` and `!` change only the local machine. */
function writes({ changes, changesLocal, recordsRoot, group }: Command): boolean {
  return changes === true || recordsRoot === true || (changesLocal === true && group !== 'local');
}

/** Whether a command reads the tree or its archive, and changes no tree. */
function readsTree({ changes, recordsRoot, makesStore, leavesTree, group, args = [] }: Command): boolean {
  if (changes === true || recordsRoot === true || makesStore === true || leavesTree === true) return false;
  return group === 'list' || group === 'read' || group === 'history' || args.some(({ kind }) => kind === 'stored');
}

/** Prints help line by line; in JSON mode as one record. */
function printHelp(output: Output, text: string): void {
  for (const line of text.split('\n')) output.line(line);
  output.record({ help: text });
}
