import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { requestTarget } from './request-target.ts';

/** Who may ask. */
export interface AccessRules {
  /** A secret that each request has to bring; undefined for none. */
  readonly token: Uint8Array | undefined;
  /** Names of this machine beside its addresses and `localhost`. */
  readonly hosts: ReadonlySet<string>;
}

/** Why a request is not answered: a status and its reason. */
export interface Refusal {
  readonly status: 401 | 421;
  readonly reason: string;
}

/**
 * Whether a request may be answered. Another site may have its own name lead to this machine, and so read what only this machine
 * may. Without a token, requests under a name that is not ours are refused.
 */
export function refusalOf(request: IncomingMessage, { token, hosts }: AccessRules): Refusal | undefined {
  if (token !== undefined)
    return bringsToken(request.headers.authorization, token) ? undefined : { status: 401, reason: 'a token is needed' };
  const name = hostName(requestTarget(request).host);
  if (isIP(name) !== 0 || name === 'localhost' || hosts.has(name)) return undefined;
  return { status: 421, reason: 'this server has another name' };
}

function hostName(header: string): string {
  const [, address, name] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? [];
  return (address ?? name ?? '').toLowerCase();
}

/** `Bearer TOKEN`, or `Basic` with the token as the password and any name. @see RFC 6750, RFC 7617 */
function bringsToken(header: string | undefined, token: Uint8Array): boolean {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(header ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return isEqual(Buffer.from(value, 'latin1'), token);
  if (scheme.toLowerCase() !== 'basic') return false;
  const pair = Buffer.from(value, 'base64');
  const colon = pair.indexOf(':');
  return colon >= 0 && isEqual(pair.subarray(colon + 1), token);
}

/** In a time that does not depend on where they differ. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
  return timingSafeEqual(digest(a), digest(b));
}
