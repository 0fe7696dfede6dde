import type { Choice } from '../commands/screen.ts';
import { VtError } from '../core/base/errors.ts';
import { safeMessage } from './output/output.ts';

/** Asks yes or no at the terminal. Yes is `y` or `yes` and Enter; anything else is no, also Ctrl-C and Ctrl-D. */
export async function askYesNo(question: string): Promise<boolean> {
  return /^y(es)?$/i.test(((await ask({ type: 'input', message: `${question} (y/N)` })) ?? '').trim());
}

/** Asks for a secret at the terminal, without echo. @returns undefined if the question was cancelled */
export async function askSecret(question: string): Promise<string | undefined> {
  return await ask({ type: 'password', message: question });
}

/** Choices shown at a time, at most. */
const SHOWN_CHOICES = 12;

/** Lets the user choose one of several, by arrows or by typing a part of it. @returns its index; undefined if cancelled */
export async function askChoice(question: string, choices: readonly Choice[]): Promise<number | undefined> {
  const names = choices.map(({ name }) => safeMessage(name));
  const answer = await ask({
    type: 'autocomplete',
    message: question,
    limit: SHOWN_CHOICES,
    choices: choices.map(({ hint }, at) => ({ name: names[at] ?? '', ...(hint === undefined ? {} : { hint: safeMessage(hint) }) })),
  });
  const chosen = answer === undefined ? -1 : names.indexOf(answer);
  return chosen < 0 ? undefined : chosen;
}

/** A question for a prompt of enquirer. */
type Question =
  | { readonly type: 'input' | 'password'; readonly message: string }
  | {
      readonly type: 'autocomplete';
      readonly message: string;
      readonly limit: number;
      readonly choices: { readonly name: string; readonly hint?: string }[];
    };

/** The only place that loads enquirer, which takes 30 ms. */
async function ask(question: Question): Promise<string | undefined> {
  const { default: enquirer } = await import('enquirer');
  try {
    const { answer } = await enquirer.prompt<{ readonly answer: string }>({
      ...question,
      name: 'answer',
      message: safeMessage(question.message),
    });
    return answer;
  } catch (error) {
    // Enquirer rejects with an empty string if the question was cancelled.
    if (error === '' || error === undefined) return undefined;
    throw new VtError('EFAILED', 'the question at the terminal failed', { cause: error });
  }
}
