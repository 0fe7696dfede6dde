import type { Follower } from './follower.ts';

/** What a session follows. */
export class TailTable implements AsyncDisposable {
  #followers: readonly Follower[] = [];

  /** In the order in which they were begun. */
  get followers(): readonly Follower[] {
    return this.#followers;
  }

  add(follower: Follower): void {
    this.#followers = [...this.#followers, follower];
  }

  /** Ends one. @param forget - and leave no checkpoint */
  async end(follower: Follower, forget: boolean): Promise<void> {
    this.#followers = this.#followers.filter((each) => each !== follower);
    await follower.stop(forget);
  }

  /** Ends all, each after a last round. @throws the first thing that went wrong */
  async endAll(): Promise<void> {
    const ended = await Promise.allSettled(this.#followers.map(async (follower) => await this.end(follower, false)));
    for (const each of ended) if (each.status === 'rejected') throw each.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endAll().catch(() => undefined);
  }
}
