import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText } from '../../core/base/octets.ts';
import type { ShellServices } from '../command.ts';

/** The exit status of a shell that has no such command. */
const NO_SUCH_COMMAND = 127;

/** The local command that shows content a screen at a time: `$PAGER`, else one given here. */
export function pagerOf({ env }: ShellServices, otherwise: string): Octets {
  const pager = env['PAGER'] ?? '';
  return octetsFromText(pager === '' ? otherwise : pager);
}

/** Shows content in a pager. @returns whether there was one */
export async function showInPager(
  shell: ShellServices,
  pager: Octets,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<boolean> {
  return (await shell.runLocal(pager, { input: content, signal })) !== NO_SUCH_COMMAND;
}
