import type { OpOptions } from '../../core/base/op-options.ts';
import type { ServedMount } from '../../core/store/capabilities.ts';
import type { ControlLink } from './control-link.ts';
import { type Fields, takeError } from './fields.ts';

/** The control channel of a mount on another machine, through the process that serves its Store there. */
export class ServedControl implements ControlLink {
  readonly about: Fields;
  readonly #mount: ServedMount;
  readonly #end: (() => void) | undefined;

  /**
   * @param name - the mount's name in messages
   * @param end - called when this link is disposed
   */
  constructor(mount: ServedMount, name: string, end?: () => void) {
    this.about = { ...mount.about, mountpoint: name };
    this.#mount = mount;
    this.#end = end;
  }

  async ask(request: Fields, options: OpOptions = {}): Promise<Fields> {
    const answer = await this.#mount.ask(request, options);
    const error = takeError(answer);
    if (error !== undefined) throw error;
    return answer;
  }

  tell(request: Fields): void {
    this.ask(request).catch(() => undefined);
  }

  [Symbol.dispose](): void {
    this.#end?.();
  }
}
