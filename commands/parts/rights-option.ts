import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { RightsTable } from '../../core/rights/rights-table.ts';
import { ownerTable, RightsFile } from '../../core/rights/rights-table.ts';
import { readSecret } from '../../core/wire/secret.ts';
import type { CommandInput } from '../command.ts';
import { resolveLocalPath } from './local-path.ts';

/**
 * The clients that a server serves: those of `--rights`, or the holder of one secret, who may do everything. Undefined: everybody.
 *
 * @param one - the option that names the one secret
 * @param onNotice - called with later faults of the rights file
 * @throws {UsageError} if both options are given, or a token has characters that HTTP cannot carry
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
