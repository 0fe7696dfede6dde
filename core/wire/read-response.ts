import { VtError } from '../base/errors.ts';
import type { Response } from './connection.ts';
import type { Packet } from './packet.ts';
import type { Json } from './payload.ts';
import { decodeJson } from './payload.ts';
import { RESPONSE_FLAG } from './requests.ts';

/** What a response says; an error where it says that the request failed. */
export function readResponse({ flags, payload, release }: Packet, name: string): Response | Error {
  try {
    const { json, rest } = (flags & RESPONSE_FLAG.json) === 0 ? { json: undefined, rest: payload } : decodeJson(payload);
    if ((flags & RESPONSE_FLAG.ok) !== 0) return { yes: (flags & RESPONSE_FLAG.yes) !== 0, json, payload: rest, release };
    return errorOfReply(json, rest, name);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Codes that may come from elsewhere: what concerns this program alone is none of them. */
const CODES = new Set(['EPARSE', 'EMISSING', 'ECORRUPT', 'EOPEN', 'EREADONLY', 'ELOCKED', 'EUNSUPPORTED', 'EPERM', 'EFAILED']);

function errorOfReply(json: Json | undefined, payload: Uint8Array, name: string): VtError {
  const { code, reason, remedy } = json ?? {};
  const text = typeof reason === 'string' ? reason : Buffer.from(payload).toString('utf8');
  return new VtError(
    typeof code === 'string' && CODES.has(code) ? (code as VtError['code']) : 'EFAILED',
    `Store "${name}": ${text === '' ? 'it says no more than that it failed' : text}`,
    typeof remedy === 'string' ? { remedy } : {},
  );
}
