import { errorParts } from './error-parts.ts';
import { VtError, type VtErrorCode } from './errors.ts';
import { type Octets, octetsToText } from './octets.ts';
import { errorCode, errorReason } from './system/system-error.ts';

/** An item that failed while its command continued with the others. */
export class ItemError extends VtError {
  /** The path that it is about, as it is. */
  readonly octets: Octets;

  /**
   * @param action - what was done, as in `put`
   * @param reason - why it failed: an error, or a text
   * @param around - the text before and after the reason
   */
  constructor(action: string, octets: Octets, reason: unknown, around: { readonly before?: string; readonly after?: string } = {}) {
    const { before = '', after = '' } = around;
    const remedy = reason instanceof VtError ? reason.remedy : undefined;
    super(codeOf(reason), `${action} "${octetsToText(octets)}": ${before}${factOf(reason)}${after}`, {
      cause: reason,
      ...(remedy === undefined ? {} : { remedy }),
    });
    this.octets = octets;
  }
}

/** What went wrong; where the system's error names the thing itself, without that. */
function factOf(reason: unknown): string {
  return reason instanceof VtError || !(reason instanceof Error) ? errorReason(reason) : errorParts(reason).fact;
}

function codeOf(reason: unknown): VtErrorCode {
  if (reason instanceof VtError) return reason.code;
  const code = errorCode(reason);
  return code === 'EACCES' || code === 'EPERM' ? 'EPERM' : 'EFAILED';
}
