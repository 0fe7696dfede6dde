import type { OpOptions } from '../../core/base/op-options.ts';
import type { Fields } from './fields.ts';

/** The way to the control channel of a mount: its socket, or a server on its machine. */
export interface ControlLink extends Disposable {
  /** Its socket, if it is on this machine. */
  readonly path?: string | undefined;
  /** What the mount said of itself. */
  readonly about: Fields;
  /**
   * Asks, and waits for the answer. Where the signal fires the answer is no longer waited for; what was asked is done all the same.
   *
   * @throws the error that the answer reports; {VtError} EOPEN once the mount has gone
   */
  ask(request: Fields, options?: OpOptions): Promise<Fields>;
  /** Asks for something whose answer nobody waits for. */
  tell(request: Fields): void;
}
