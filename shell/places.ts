import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where the program keeps its things, after the XDG base directory specification. */
export interface Places {
  readonly home: string;
  /** `$XDG_CONFIG_HOME/vtftp`: rc, config. */
  readonly config: string;
  /** `$XDG_STATE_HOME/vtftp`: history. */
  readonly state: string;
  /** `$XDG_CACHE_HOME/vtftp`. */
  readonly cache: string;
  /** `$XDG_DATA_HOME/vtftp/store`. */
  readonly defaultStore: string;
}

/** The places that an environment asks for; relative paths in it are passed over, as the specification has it. */
export function placesOf(env: Readonly<Record<string, string | undefined>>): Places {
  const home = env['HOME'] ?? homedir();
  const base = (name: string, fallback: string): string => {
    const given = env[name];
    return given?.startsWith('/') === true ? given : join(home, fallback);
  };
  return {
    home,
    config: join(base('XDG_CONFIG_HOME', '.config'), 'vtftp'),
    state: join(base('XDG_STATE_HOME', '.local/state'), 'vtftp'),
    cache: join(base('XDG_CACHE_HOME', '.cache'), 'vtftp'),
    defaultStore: join(base('XDG_DATA_HOME', '.local/share'), 'vtftp', 'store'),
  };
}
