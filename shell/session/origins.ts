import { existsSync } from 'node:fs';
import type { Origin } from '../../commands/command.ts';
import type { ProgramArguments } from '../argv.ts';
import type { Places } from '../places.ts';
import type { Configuration } from './configuration.ts';

/** The settings of a session and their origins: options, environment, configuration, or defaults. */
export function originsOf(
  args: Pick<ProgramArguments, 'store' | 'rc' | 'namedBy'>,
  env: Readonly<Record<string, string | undefined>>,
  places: Places,
  configuration: Configuration,
): readonly Origin[] {
  const placedBy = (variable: string): string => (env[variable]?.startsWith('/') === true ? variable : 'HOME');
  const { file, names, defaultStore } = configuration;
  const store: Origin =
    args.namedBy.store === undefined && defaultStore !== undefined
      ? { name: 'store', value: '[default]', from: file }
      : { name: 'store', value: args.store ?? places.defaultStore, from: args.namedBy.store ?? placedBy('XDG_DATA_HOME') };
  const usualRc = places.config === undefined ? undefined : `${places.config}/rc`;
  return [
    store,
    ofFile('configuration', file, args.namedBy.config ?? placedBy('XDG_CONFIG_HOME')),
    ...names.map((name): Origin => ({ name: 'clause', value: `[${name}]`, from: file })),
    ofFile('rc', args.rc ?? usualRc, args.rc === undefined ? placedBy('XDG_CONFIG_HOME') : '--rc'),
    ofFile('bookmarks', places.config === undefined ? undefined : `${places.config}/bookmarks`, placedBy('XDG_CONFIG_HOME')),
    ofFile('history', places.state === undefined ? undefined : `${places.state}/history`, placedBy('XDG_STATE_HOME')),
    ofFile('cache', places.cache, placedBy('XDG_CACHE_HOME')),
  ];
}

function ofFile(name: string, path: string | undefined, from: string): Origin {
  return { name, value: path, from, ...(path !== undefined && !existsSync(path) ? { isAbsent: true } : {}) };
}
