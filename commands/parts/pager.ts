import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText } from '../../core/base/octets.ts';
import type { ShellServices } from '../command.ts';

/** The exit status of a shell for an unknown command. */
const NO_SUCH_COMMAND = 127;

/** The local command that shows content by the screen: `$PAGER`, or else the given one. */
export function pagerOf({ env }: ShellServices, otherwise: string): Octets {
  const pager = env['PAGER'] ?? '';
  return octetsFromText(pager === '' ? otherwise : pager);
}

/** Shows content in a pager. @returns whether the pager exists */
export async function showInPager(
  shell: ShellServices,
  pager: Octets,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<boolean> {
  return (await shell.runLocal(pager, { input: content, signal })) !== NO_SUCH_COMMAND;
}
