import { join } from 'node:path';
import type { Octets } from '../core/base/octets.ts';
import { octetsFromText } from '../core/base/octets.ts';
import { homeFolder } from '../core/base/system/home-folder.ts';

/** The program's folders and files, by the XDG base directory specification. */
export interface Places {
  /** Undefined if the user has none; the places below it are then undefined, too. */
  readonly home: string | undefined;
  /** `$XDG_CONFIG_HOME/vtftp`: rc, config. */
  readonly config: string | undefined;
  /** `$XDG_STATE_HOME/vtftp`: history. */
  readonly state: string | undefined;
  /** `$XDG_CACHE_HOME/vtftp`. */
  readonly cache: string | undefined;
  /** `$XDG_DATA_HOME/vtftp/store`. */
  readonly defaultStore: string | undefined;
}

/** The home folder for `~`; without one, `~` stays. */
export function homeOctets({ home }: Places): Octets {
  return octetsFromText(home ?? '~');
}

/** The places set by an environment; relative paths in it are ignored, as the specification requires. */
export function placesOf(env: Readonly<Record<string, string | undefined>>): Places {
  const home = homeFolder(env['HOME']);
  const base = (name: string, fallback: string): string | undefined => {
    const given = env[name];
    return given?.startsWith('/') === true ? given : home === undefined ? undefined : join(home, fallback);
  };
  const below = (name: string, fallback: string, path = 'vtftp'): string | undefined => {
    const found = base(name, fallback);
    return found === undefined ? undefined : join(found, path);
  };
  return {
    home,
    config: below('XDG_CONFIG_HOME', '.config'),
    state: below('XDG_STATE_HOME', '.local/state'),
    cache: below('XDG_CACHE_HOME', '.cache'),
    defaultStore: below('XDG_DATA_HOME', '.local/share', 'vtftp/store'),
  };
}
