import { VtError } from '../base/errors.ts';
import { errorText } from '../base/system/system-error.ts';
import type { Follower } from './follower.ts';

/** The followers of a session. */
export class TailTable implements AsyncDisposable {
  #followers: readonly Follower[] = [];

  /** In order of their start. */
  get followers(): readonly Follower[] {
    return this.#followers;
  }

  add(follower: Follower): void {
    this.#followers = [...this.#followers, follower];
  }

  /** Ends a follower. @param forget - remove its checkpoint */
  async end(follower: Follower, forget: boolean): Promise<void> {
    this.#followers = this.#followers.filter((each) => each !== follower);
    await follower.stop(forget);
  }

  /**
   * Ends all followers, each after a last round.
   *
   * @throws the error of the only one that failed; a {VtError} with all texts if several did; in both cases after all have ended
   */
  async endAll(): Promise<void> {
    const failed: unknown[] = [];
    await Promise.all(
      this.#followers.map(async (follower) => {
        await this.end(follower, false).catch((error: unknown) => failed.push(error));
      }),
    );
    const [first] = failed;
    if (failed.length < 2) {
      if (failed.length === 1) throw first;
      return;
    }
    const code = first instanceof VtError ? first.code : 'EFAILED';
    throw new VtError(code, failed.map(errorText).join('; '), { cause: first });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endAll().catch(() => undefined);
  }
}
