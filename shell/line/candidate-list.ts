import { fitted } from '../../commands/parts/display-width.ts';
import { safeMessage } from '../output/output.ts';

/** Lines, at most, of a list with descriptions; longer lists are shown in columns without descriptions. */
const MAX_LINES = 60;

/**
 * A list of candidates with descriptions, one line each.
 *
 * @returns undefined if there are too many, or none has a description
 */
export async function saidCandidates(
  candidates: readonly string[],
  says: readonly string[],
  columns: number,
): Promise<string[] | undefined> {
  if (candidates.length > MAX_LINES || says.every((text) => text === '')) return undefined;
  const width = candidates.reduce((most, { length }) => Math.max(most, length), 0);
  return await Promise.all(
    candidates.map(
      async (candidate, at) =>
        await fitted(`${safeMessage(candidate).padEnd(width)}  ${safeMessage(says[at] ?? '')}`.trimEnd(), columns - 1),
    ),
  );
}

/** The longest common prefix of texts. */
export function commonStart(texts: readonly string[]): string {
  const [first = '', ...rest] = texts;
  let length = first.length;
  for (const text of rest) while (!text.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length);
}
