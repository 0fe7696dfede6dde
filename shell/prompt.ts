import { VtError } from '../core/base/errors.ts';
import { safeMessage } from './output/output.ts';

/**
 * Asks yes or no at the terminal. Yes is `y` or `yes` and Enter; all else means no, Ctrl-C and Ctrl-D too. The only place that
 * loads enquirer, which takes 30 ms.
 */
export async function askYesNo(question: string): Promise<boolean> {
  const { default: enquirer } = await import('enquirer');
  try {
    const message = `${safeMessage(question)} (y/N)`;
    const { answer } = await enquirer.prompt<{ readonly answer: string }>({ type: 'input', name: 'answer', message });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    // Enquirer rejects with an empty string where the question was left.
    if (error === '' || error === undefined) return false;
    throw new VtError('EFAILED', 'ask at the terminal: it failed', { cause: error });
  }
}
