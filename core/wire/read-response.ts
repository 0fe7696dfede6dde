import { CorruptBlockError, VtError } from '../base/errors.ts';
import { MAX_TOLD } from './limits.ts';
import type { Packet } from './packet.ts';
import type { Json } from './payload.ts';
import { decodeJson } from './payload.ts';
import { RESPONSE_FLAG } from './requests.ts';

/** A decoded response. */
export interface Response {
  readonly yes: boolean;
  readonly json: Json | undefined;
  readonly payload: Uint8Array;
  /** As in Packet. */
  readonly release?: (() => void) | undefined;
}

/** Decodes a response; returns an error if it reports that the request failed. */
export function readResponse({ flags, payload, release }: Packet, name: string): Response | Error {
  try {
    const { json, rest } = (flags & RESPONSE_FLAG.json) === 0 ? { json: undefined, rest: payload } : decodeJson(payload);
    if ((flags & RESPONSE_FLAG.ok) !== 0) return { yes: (flags & RESPONSE_FLAG.yes) !== 0, json, payload: rest, release };
    return errorOfReply(json, rest, name);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Error codes accepted from the other side; codes that only concern this program are left out. */
const CODES = new Set(['EPARSE', 'EMISSING', 'ECORRUPT', 'EOPEN', 'EREADONLY', 'ELOCKED', 'EUNSUPPORTED', 'EPERM', 'EFULL', 'EFAILED']);

/** A hashcode as in messages. */
const LABEL = /^[a-z0-9-]{1,32}:[0-9a-f]{2,128}$/;

function errorOfReply(json: Json | undefined, payload: Uint8Array, name: string): VtError {
  const { code, reason, remedy, block } = json ?? {};
  const text = told(typeof reason === 'string' ? reason : Buffer.from(payload.subarray(0, 4 * MAX_TOLD)).toString('utf8'));
  const options = typeof remedy === 'string' ? { remedy: told(remedy) } : {};
  if (code === 'ECORRUPT' && typeof block === 'string' && LABEL.test(block)) {
    const known = `get Block ${block} from `;
    return new CorruptBlockError(block, name, text.startsWith(known) ? text.slice(known.length) : text, options);
  }
  return new VtError(
    typeof code === 'string' && CODES.has(code) ? (code as VtError['code']) : 'EFAILED',
    `Store "${name}": ${text === '' ? 'it says no more than that it failed' : text}`,
    options,
  );
}

/** Prepares a text from the other side for display. */
export function told(text: string): string {
  return text.length <= MAX_TOLD ? text : `${text.slice(0, MAX_TOLD)}…`;
}
