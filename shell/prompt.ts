import { VtError } from '../core/base/errors.ts';
import { safeMessage } from './output/output.ts';

/** Asks yes or no at the terminal. Yes is `y` or `yes` and Enter; all else means no, Ctrl-C and Ctrl-D too. */
export async function askYesNo(question: string): Promise<boolean> {
  return /^y(es)?$/i.test(((await ask('input', `${question} (y/N)`)) ?? '').trim());
}

/** Asks for something at the terminal that is not to be seen there. @returns undefined where the question was left */
export async function askSecret(question: string): Promise<string | undefined> {
  return await ask('password', question);
}

/** The only place that loads enquirer, which takes 30 ms. */
async function ask(type: 'input' | 'password', question: string): Promise<string | undefined> {
  const { default: enquirer } = await import('enquirer');
  try {
    const { answer } = await enquirer.prompt<{ readonly answer: string }>({ type, name: 'answer', message: safeMessage(question) });
    return answer;
  } catch (error) {
    // Enquirer rejects with an empty string where the question was left.
    if (error === '' || error === undefined) return undefined;
    throw new VtError('EFAILED', 'ask at the terminal: it failed', { cause: error });
  }
}
