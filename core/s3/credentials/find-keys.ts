import { VtError } from '../../base/errors.ts';
import type { S3Keys } from '../sign-request.ts';
import type { LentKeys } from './keys-of-machine.ts';
import { keysOfMachine } from './keys-of-machine.ts';
import type { Environment, Profile } from './profile-keys.ts';

/** Temporary keys are renewed this many milliseconds before they expire. */
const EARLY_MS = 5 * 60_000;

/** Where to look for keys. */
export interface KeySources {
  readonly environment: Environment;
  readonly profile: Profile;
  /** The user named the profile: it takes precedence over the environment. */
  readonly isProfileAsked: boolean;
  readonly region: string;
}

/**
 * Finds the keys that requests are signed with, in this order: the environment, a profile of the AWS tools, temporary keys of the machine.
 * Temporary keys are renewed before they expire.
 *
 * @returns a function to call before each request. With `refused` it renews temporary keys at once, unless that was done already.
 *   It rejects with {VtError} EPERM if there are no keys
 */
export function keyFinder(sources: KeySources): (refused?: S3Keys) => Promise<S3Keys> {
  const { environment, profile, isProfileAsked, region } = sources;
  const own = isProfileAsked ? (profile.keys ?? keysOf(environment)) : (keysOf(environment) ?? profile.keys);
  if (own !== undefined) return async () => await Promise.resolve(own);
  let lent: Promise<LentKeys> | undefined;
  let endMs = Number.POSITIVE_INFINITY;
  const lend = async (): Promise<LentKeys> => {
    const found = await keysOfMachine(environment, region);
    if (found === undefined)
      throw new VtError('EPERM', 'sign the request: no keys were found in the environment, in ~/.aws or on this machine', {
        remedy: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; keys=none reads a public bucket',
      });
    endMs = Number.isNaN(found.endMs) ? Number.POSITIVE_INFINITY : found.endMs;
    return found;
  };
  return async (refused) => {
    const before = lent;
    const isRefused = refused !== undefined && (await before?.catch(() => undefined)) === refused;
    if (before === lent && (isRefused || Date.now() > endMs - EARLY_MS)) lent = undefined;
    lent ??= lend().catch((error: unknown) => {
      lent = undefined;
      throw error;
    });
    return await lent;
  };
}

function keysOf(environment: Environment): S3Keys | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = environment;
  return accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey, sessionToken };
}
