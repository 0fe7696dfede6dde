import { countText, sizeText } from '../commands/parts/format.ts';
import { DEFAULT_PROMPT } from '../commands/shell/settings.ts';
import { terminalName } from './output/output.ts';
import type { Shell } from './shell.ts';

/** The prompt, by the setting `prompt`: `vtftp:/docs* [1 job]> `. @see vtftp(1), "set" */
export function promptText(shell: Pick<Shell, 'session' | 'output'>): string {
  const { session, output } = shell;
  const template = session.settings.get('prompt') ?? DEFAULT_PROMPT;
  // Each style ends before the next part: marks cannot be nested.
  const parts = template.split(/(%.)/s).map((part) => partText(shell, part));
  return output.shown(parts.join(''));
}

function partText({ session, output }: Pick<Shell, 'session' | 'output'>, part: string): string {
  switch (part) {
    case '%n':
      return output.style('dim', nameText(session));
    case '%w':
      return output.style('dir', terminalName(session.cwd));
    case '%c':
      return session.isChanged && session.tree.can.sync ? '*' : '';
    case '%j': {
      const count = session.jobs.running.length;
      return count === 0 ? '' : ` [${countText(count, 'job')}]`;
    }
    case '%t': {
      const lag = session.tails.followers.reduce((sum, follower) => sum + follower.state().lagBytes, 0);
      return lag === 0 ? '' : ` [${sizeText(lag)} behind]`;
    }
    case '%%':
      return '%';
    default:
      return part.startsWith('%') ? part : output.style('dim', part);
  }
}

/** The name of a mount or an ordinary directory in brackets, or the past state that is shown. */
function nameText({ tree, view }: Shell['session']): string {
  const { can, name, label = can.sync || view !== undefined ? undefined : name } = tree;
  return `${label === undefined ? '' : `[${label.split('/').at(-1) ?? ''}]`}${view ?? ''}`;
}
