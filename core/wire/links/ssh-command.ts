import { shellWord } from '../../base/shell-word.ts';

/** The address of a Store that is reached by ssh. */
export interface SshAddress {
  readonly kind: 'ssh';
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
  /** The folder of the Store there; undefined for the default one. */
  readonly store: string | undefined;
}

// No part may begin with a minus sign: ssh would treat it as an option.
const ADDRESS = /^\/\/(?:([^-@/\s][^@/\s]*)@)?(\[[\da-f:.%]+\]|[^-:@/\s[\]][^:@/\s[\]]*)(?::(\d{1,5}))?(\/.*)?$/i;

/** Parses what follows `ssh:`: `//[user@]host[:port]/[path]`, with `/~/path` below the remote home directory; else undefined. */
export function parseSshAddress(text: string): SshAddress | undefined {
  const [, user, host, portText, path = '/'] = ADDRESS.exec(text) ?? [];
  const port = portText === undefined ? undefined : Number(portText);
  if (host === undefined || (port !== undefined && (port === 0 || port > 65_535))) return undefined;
  const store = path === '/' ? undefined : path.startsWith('/~/') ? path.slice(1) : path;
  return { kind: 'ssh', user, host: host.replace(/^\[(.*)\]$/, '$1'), port, store };
}

/** The arguments of `ssh`; all other settings come from its configuration. */
export function sshArguments({ user, host, port, store }: SshAddress): string[] {
  return [
    '-T',
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    '--',
    host,
    ['vtftp', ...(store === undefined ? [] : ['-S', store]), '-c', 'serve -'].map(shellWord).join(' '),
  ];
}

/**
 * Explains why ssh ended.
 *
 * @param last - the last line of its standard error
 */
export function sshEnd({ host }: SshAddress, status: number | null, last: string): string {
  if (status === 127 || status === 126) return `there is no vtftp on ${host}, or not on the PATH that commands of ssh get (${last})`;
  if (status === 255) return last === '' ? `ssh cannot reach ${host}` : last;
  return `vtftp on ${host} ended with status ${String(status)}${last === '' ? '' : `: ${last}`}`;
}
