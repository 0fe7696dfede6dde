import { errorParts } from './error-parts.ts';
import { VtError, type VtErrorCode } from './errors.ts';
import { type Octets, octetsToText } from './octets.ts';
import { errorCode, errorReason } from './system/system-error.ts';

/** An item that failed while its command continued with the others. */
export class ItemError extends VtError {
  /** The path of the item, in bytes. */
  readonly octets: Octets;

  /**
   * @param action - the operation that failed, such as `put`
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

/** The reason of the failure. The path is left out if a system error names it. */
function factOf(reason: unknown): string {
  return reason instanceof VtError || !(reason instanceof Error) ? errorReason(reason) : errorParts(reason).fact;
}

function codeOf(reason: unknown): VtErrorCode {
  if (reason instanceof VtError) return reason.code;
  const code = errorCode(reason);
  return code === 'EACCES' || code === 'EPERM' ? 'EPERM' : 'EFAILED';
}
