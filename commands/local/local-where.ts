import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { VtError } from '../../core/base/errors.ts';
import { octetsFromText, octetsToBytes, octetsToText } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';
import { octetsFields } from '../parts/format.ts';
import { resolveLocalPath } from '../parts/local-path.ts';

/** `lpwd`: the local working directory. */
export const lpwd = defineCommand({
  name: 'lpwd',
  group: 'where',
  summary: 'print the local working directory',
  records: [{ name: 'LocalWorkingPath', summary: 'the local working directory', fields: { local_cwd: 'name' } }],
  async run({ session, output }) {
    output.line(output.name(session.localCwd));
    output.record(octetsFields('local_cwd', session.localCwd));
  },
});

/** `lcd`: another local working directory. */
export const lcd = defineCommand({
  name: 'lcd',
  group: 'where',
  summary: 'change the local working directory',
  details: ['Without PATH it goes to the home directory. `lcd -` goes back to the directory before.'],
  args: [{ name: 'path', kind: 'local directory', summary: 'a local directory, or `-`', optional: true }],
  records: [{ name: 'LocalWorkingPath', summary: 'the local working directory', fields: { local_cwd: 'name' } }],
  async run({ session, output, shell }, { args: [argument] }) {
    if (argument === '-' && session.previousLocalCwd === undefined) throw new VtError('EFAILED', 'lcd "-": there is no previous directory');
    const home = octetsFromText(shell.env['HOME'] ?? '/');
    const wanted = argument === undefined ? home : argument === '-' ? (session.previousLocalCwd ?? home) : argument;
    const path = resolveLocalPath(session.localCwd, wanted);
    const found = statSync(octetsToBytes(path), { throwIfNoEntry: false });
    if (found?.isDirectory() !== true)
      throw new VtError('EFAILED', `lcd "${octetsToText(wanted)}": ${found === undefined ? 'no such directory' : 'not a directory'}`);
    accessSync(octetsToBytes(path), constants.X_OK);
    session.previousLocalCwd = session.localCwd;
    session.localCwd = path;
    if (argument === '-') output.line(output.name(path));
    output.record(octetsFields('local_cwd', path));
  },
});

/** `lmkdir`: new local directories. */
export const lmkdir = defineCommand({
  name: 'lmkdir',
  group: 'local',
  summary: 'make local directories',
  changesLocal: true,
  args: [{ name: 'path', kind: 'local', summary: 'a directory to make', repeat: true, glob: false }],
  options: [{ name: 'parents', short: 'p', summary: 'make missing parents too; a directory that exists is no error' }],
  async run({ session }, { args, options }) {
    for (const path of args) mkdirSync(octetsToBytes(resolveLocalPath(session.localCwd, path)), { recursive: options.has('parents') });
  },
});
