import { VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';
import { resolveLocalPath } from '../parts/local-path.ts';

/** Nesting of scripts, at most; deeper nesting is considered endless recursion. */
const MAX_DEPTH = 32;

/** `source`: the lines of a local file. */
export const source = defineCommand({
  name: 'source',
  group: 'shell',
  summary: 'run the lines of a local file',
  args: [{ name: 'file', kind: 'local', summary: 'a script' }],
  async run({ session, signal }, { args: [file] }) {
    if (file === undefined) return;
    const path = resolveLocalPath(session.localCwd, file);
    const name = octetsToText(file);
    const depth = Number(session.settings.get('depth') ?? 0) + 1;
    if (depth > MAX_DEPTH) throw new VtError('EFAILED', `source "${name}": more than ${MAX_DEPTH} scripts run each other`);
    session.settings.set('depth', String(depth));
    try {
      await session.runScript(path, name, signal);
    } finally {
      session.settings.set('depth', String(depth - 1));
    }
  },
});
