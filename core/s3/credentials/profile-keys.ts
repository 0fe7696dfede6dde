import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VtError } from '../../base/errors.ts';
import { parseIni } from '../../base/ini-text.ts';
import { errorCode, errorReason } from '../../base/system/system-error.ts';
import type { S3Keys } from '../sign-request.ts';

/** The environment of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings of an AWS tools profile. */
export interface Profile {
  readonly keys: S3Keys | undefined;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
}

/**
 * Reads a profile from `~/.aws/credentials` and `~/.aws/config`; the first takes precedence.
 *
 * @param asked - the name that the user gave; default `AWS_PROFILE`, or `default`
 * @throws {VtError} EOPEN if a named profile does not exist
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
export function readProfile(asked: string | undefined, environment: Environment, homePath: string | undefined): Profile {
  const name = asked ?? environment.AWS_PROFILE ?? 'default';
  const file = (variable: string, usual: string): string | undefined =>
    environment[variable] ?? (homePath === undefined ? undefined : join(homePath, '.aws', usual));
  const secrets = sectionOf(file('AWS_SHARED_CREDENTIALS_FILE', 'credentials'), [name]);
  const config = sectionOf(file('AWS_CONFIG_FILE', 'config'), [`profile ${name}`, ...(name === 'default' ? [name] : [])]);
  if (secrets === undefined && config === undefined && (asked ?? environment.AWS_PROFILE) !== undefined)
    throw new VtError('EOPEN', `read ~/.aws: there is no profile "${name}"`);
  const all = { ...config, ...secrets };
  const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey, aws_session_token: sessionToken } = all;
  return {
    keys: accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey, sessionToken },
    region: all.region,
    endpoint: all.endpoint_url,
  };
}

function sectionOf(path: string | undefined, names: readonly string[]): Record<string, string> | undefined {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw new VtError('EOPEN', `read "${path}": ${errorReason(error)}`, { cause: error });
  }
  // A dot in a section's name would create nested sections.
  const sections: Record<string, unknown> = parseIni(
    text.replace(/^\s*\[([^\]]*)\]/gm, (_, name: string) => `[${name.replaceAll('.', '\\.')}]`),
  );
  const section = names.map((name) => sections[name]).find((found) => typeof found === 'object' && found !== null);
  if (section === undefined) return undefined;
  return Object.fromEntries(Object.entries(section as object).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
