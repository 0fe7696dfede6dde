import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { RightsHolder } from '../rights/rights-line.ts';
import { isSecretOf } from '../rights/rights-line.ts';
import type { RightsTable } from '../rights/rights-table.ts';
import { PAGE_FILES } from './page/highlighter.ts';
import { requestTarget } from './request-target.ts';
import type { SharedPath } from './share-link.ts';
import { isSharePath, readShare } from './share-link.ts';

/** Names under which the server was reached that are remembered, at most. */
const MAX_NAMES = 64;

/** The names under which a server may be reached: addresses, `localhost`, and given names. */
export class OwnNames {
  readonly #given: ReadonlySet<string>;
  /** As in the `Host` header of requests. */
  readonly #known = new Set<string>();

  /** @param given - further names, in lower case */
  constructor(given: ReadonlySet<string>) {
    this.#given = given;
  }

  /** Whether the server may be reached under a name. @param host - a name or an address, with or without a port */
  has(host: string): boolean {
    if (this.#known.has(host)) return true;
    const name = hostName(host);
    const isOurs = isIP(name) !== 0 || name === 'localhost' || this.#given.has(name);
    if (isOurs && this.#known.size < MAX_NAMES) this.#known.add(host);
    return isOurs;
  }
}

/** The rules for which clients may send requests. */
export interface AccessRules {
  /** The clients that may send requests: each request must carry the secret of one. Undefined admits everybody. */
  readonly table: RightsTable | undefined;
  readonly names: OwnNames;
}

/** The refusal of a request: a status and its reason. */
export interface Refusal {
  readonly status: 401 | 404 | 410 | 421;
  readonly reason: string;
}

/** The admission of a request: the client that sends it; undefined if anybody may. */
export interface Admission {
  readonly holder: RightsHolder | undefined;
  /** The link by which the client was admitted; it has the rights of its holder. */
  readonly shared?: SharedPath;
}

/**
 * Decides whether to answer a request. Another site could let its own name point to this machine and so read what only this machine may.
 * Without a rights table, requests under a foreign name are therefore refused.
 */
export function admit(request: IncomingMessage, { table, names }: AccessRules, now: () => Date): Admission | Refusal {
  const { host, path } = requestTarget(request);
  // A link needs no token.
  if (isSharePath(path)) return admitByLink(path, table, now());
  // The files of all pages reveal nothing, and users of links need them too.
  if (path.startsWith(PAGE_FILES) && request.method === 'GET') return { holder: undefined };
  if (table !== undefined) {
    const token = tokenIn(request.headers.authorization);
    // HTTP serves the Store without a name.
    const holder = token && table.holders().find((one) => isSecretOf(one, token) && one.rights.mayUse(''));
    return holder === undefined ? { status: 401, reason: 'a token is needed' } : { holder };
  }
  if (names.has(host)) return { holder: undefined };
  return { status: 421, reason: 'this server has another name' };
}

function admitByLink(path: string, table: RightsTable | undefined, now: Date): Admission | Refusal {
  const holders = table?.holders().filter(({ rights }) => rights.mayUse('')) ?? [];
  const shared = readShare(path, holders);
  const holder = holders.find(({ name }) => name === shared?.share.holder);
  if (shared === undefined || holder === undefined) return { status: 404, reason: 'nothing is here' };
  return shared.share.untilS * 1000 > now.getTime() ? { holder, shared } : { status: 410, reason: 'the link has expired' };
}

function hostName(header: string): string {
  const [, address, name] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? [];
  return (address ?? name ?? '').toLowerCase();
}

/** The token in `Bearer TOKEN`, or in `Basic`, where it is the password and any name will do. @see RFC 6750, RFC 7617 */
function tokenIn(header: string | undefined): Buffer | undefined {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(header ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return Buffer.from(value, 'latin1');
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const pair = Buffer.from(value, 'base64');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.subarray(colon + 1);
}
