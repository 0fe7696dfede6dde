import type { Choice } from '../commands/screen.ts';
import { VtError } from '../core/base/errors.ts';
import { safeMessage } from './output/output.ts';

/** Asks yes or no at the terminal. Yes is `y` or `yes` and Enter; all else means no, Ctrl-C and Ctrl-D too. */
export async function askYesNo(question: string): Promise<boolean> {
  return /^y(es)?$/i.test(((await ask({ type: 'input', message: `${question} (y/N)` })) ?? '').trim());
}

/** Asks for something at the terminal that is not to be seen there. @returns undefined where the question was left */
export async function askSecret(question: string): Promise<string | undefined> {
  return await ask({ type: 'password', message: question });
}

/** Choices that are shown at a time. */
const SHOWN_CHOICES = 12;

/** Lets somebody choose one of several, by arrows or by typing a part of it. @returns its index; undefined where the question was left */
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

/** What is asked by a prompt of enquirer, and read by it. */
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
    // Enquirer rejects with an empty string where the question was left.
    if (error === '' || error === undefined) return undefined;
    throw new VtError('EFAILED', 'the question at the terminal failed', { cause: error });
  }
}
