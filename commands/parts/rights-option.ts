import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { RightsTable } from '../../core/rights/rights-table.ts';
import { ownerTable, RightsFile } from '../../core/rights/rights-table.ts';
import { readSecret } from '../../core/wire/secret.ts';
import type { CommandInput } from '../command.ts';
import { resolveLocalPath } from './local-path.ts';

/**
 * Those who are served: by `--rights`, or by the option that names one secret, whose holder may do everything. Undefined for everybody.
 *
 * @param one - the option of one secret
 * @param onNotice - called with what cannot be read of the file later
 */
export function rightsOption(
  command: 'serve' | 'httpd' | 'share',
  { options }: Pick<CommandInput, 'options'>,
  localCwd: Octets,
  one: 'secret' | 'token',
  onNotice: (notice: string) => void,
): RightsTable | undefined {
  const fileOf = (name: string): string | undefined => {
    const given = options.get(name);
    return given === undefined || given === true ? undefined : octetsToText(resolveLocalPath(localCwd, given));
  };
  const [secret, rights] = [fileOf(one), fileOf('rights')];
  if (secret !== undefined && rights !== undefined)
    throw new UsageError(`${command}: --${one} and --rights exclude each other`, {
      remedy: `give the secret of --${one} a line with the right all`,
    });
  if (rights !== undefined) return RightsFile.open(rights, onNotice);
  if (secret === undefined) return undefined;
  const octets = readSecret(secret);
  if (one === 'token' && !/^[!-~]+$/.test(Buffer.from(octets).toString('latin1')))
    throw new UsageError(`${command} --token "${secret}": it has spaces or other characters that a request cannot carry`, {
      remedy: 'use letters and digits, as openssl rand -hex 32 makes them',
    });
  return ownerTable(octets);
}
