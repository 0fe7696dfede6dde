import type { OpOptions } from '../../core/base/op-options.ts';
import type { Fields } from './fields.ts';

/** A connection to the control channel of a mount: over its socket, or through a server on its machine. */
export interface ControlLink extends Disposable {
  /** Path of the mount's socket, if it is on this machine. */
  readonly path?: string | undefined;
  /** The fields of the mount's greeting. */
  readonly about: Fields;
  /**
   * Sends a request and waits for its answer. If the signal fires, the wait ends; the mount still carries out the request.
   *
   * @throws the error that the answer contains; {VtError} EOPEN once the mount has ended
   */
  ask(request: Fields, options?: OpOptions): Promise<Fields>;
  /** Sends a request without waiting for its answer. */
  tell(request: Fields): void;
}
