import type { Filesystem, Maybe } from '../filesystem.ts';
import type { Replies } from './replies.ts';
import type { Request } from './request.ts';

/** What an operation works with. */
export interface OperationContext {
  readonly filesystem: Filesystem;
  readonly replies: Replies;
}

/** Answers one request, now or later. What it throws is sent as an errno. */
export type Operation = (context: OperationContext, request: Request) => Maybe<void>;

/** Continues with a value, at once where it is there. */
export function then<T>(value: Maybe<T>, next: (value: T) => void): Maybe<void> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Answers that it is done. */
export function replyEmpty({ replies }: OperationContext, request: Request, done: Maybe<void>): Maybe<void> {
  return then(done, () => replies.empty(request));
}
