import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { RightsHolder } from '../rights/rights-line.ts';
import { isSecretOf } from '../rights/rights-line.ts';
import type { RightsTable } from '../rights/rights-table.ts';
import { PAGE_FILES } from './page/highlighter.ts';
import { requestTarget } from './request-target.ts';
import type { SharedPath } from './share-link.ts';
import { isSharePath, readShare } from './share-link.ts';

/** Names of a server that are remembered as its own. */
const MAX_NAMES = 64;

/** The names by which a server is asked for: addresses, `localhost`, and those that it was given. */
export class OwnNames {
  readonly #given: ReadonlySet<string>;
  /** As they were in requests. */
  readonly #known = new Set<string>();

  /** @param given - in lower case */
  constructor(given: ReadonlySet<string>) {
    this.#given = given;
  }

  /** @param host - a name or an address, with a port or without */
  has(host: string): boolean {
    if (this.#known.has(host)) return true;
    const name = hostName(host);
    const isOurs = isIP(name) !== 0 || name === 'localhost' || this.#given.has(name);
    if (isOurs && this.#known.size < MAX_NAMES) this.#known.add(host);
    return isOurs;
  }
}

/** Which clients may send requests. */
export interface AccessRules {
  /** The clients that may send requests: each request must carry the secret of one. Undefined admits everybody. */
  readonly table: RightsTable | undefined;
  readonly names: OwnNames;
}

/** Why a request is not answered: a status and its reason. */
export interface Refusal {
  readonly status: 401 | 404 | 410 | 421;
  readonly reason: string;
}

/** The client that asks; undefined if anybody may. */
export interface Admission {
  readonly holder: RightsHolder | undefined;
  /** The link that they ask by, with the rights of its holder. */
  readonly shared?: SharedPath;
}

/**
 * Whether a request may be answered. Another site may have its own name lead to this machine, and so read what only this machine
 * may. Without tokens, requests under a name that is not ours are refused.
 */
export function admit(request: IncomingMessage, { table, names }: AccessRules, now: () => Date): Admission | Refusal {
  const { host, path } = requestTarget(request);
  // A link is a token itself.
  if (isSharePath(path)) return admitByLink(path, table, now());
  // The files that all pages use give nothing away, and whoever has a link needs them too.
  if (path.startsWith(PAGE_FILES) && request.method === 'GET') return { holder: undefined };
  if (table !== undefined) {
    const token = tokenIn(request.headers.authorization);
    // The Store without a name is the one that is served.
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

/** `Bearer TOKEN`, or `Basic` with the token as the password and any name. @see RFC 6750, RFC 7617 */
function tokenIn(header: string | undefined): Buffer | undefined {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(header ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return Buffer.from(value, 'latin1');
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const pair = Buffer.from(value, 'base64');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.subarray(colon + 1);
}
