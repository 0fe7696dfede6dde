import { VtError } from '../core/base/errors.ts';

/**
 * Asks yes or no at the terminal; Ctrl-C and Ctrl-D mean no. The only place that loads enquirer, which takes 30 ms.
 */
export async function askYesNo(question: string): Promise<boolean> {
  const { default: enquirer } = await import('enquirer');
  try {
    const answer = await enquirer.prompt<{ readonly yes: boolean }>({ type: 'confirm', name: 'yes', message: question, initial: false });
    return answer.yes;
  } catch (error) {
    // Enquirer rejects with an empty string where the question was left.
    if (error === '' || error === undefined) return false;
    throw new VtError('EFAILED', 'ask at the terminal: it failed', { cause: error });
  }
}
