import type { Filesystem, Maybe } from '../filesystem.ts';
import type { Replies } from './replies.ts';
import type { Request } from './request.ts';

/** What an operation works with. */
export interface OperationContext {
  readonly filesystem: Filesystem;
  readonly replies: Replies;
}

/** Answers one request, now or later. A thrown error is sent as its errno. */
export type Operation = (context: OperationContext, request: Request) => Maybe<void>;

/** Calls `next` with a value: at once if it is at hand, else when the promise resolves. */
export function then<T>(value: Maybe<T>, next: (value: T) => void): Maybe<void> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Sends an empty reply once `done` has resolved. */
export function replyEmpty({ replies }: OperationContext, request: Request, done: Maybe<void>): Maybe<void> {
  return then(done, () => replies.empty(request));
}
