import type { Archive, ArchiveEntry } from '../../archive/archive.ts';
import { findEntry } from '../../archive/find-entry.ts';
import { VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';

/** Says which state there is none of. Whoever gets it may read the archive. */
export class NoStateError extends VtError {
  constructor(problem: VtError) {
    super(problem.code, problem.message, { cause: problem });
  }
}

/** A recorded state by what is behind its `@`. @throws {NoStateError} where there is none */
export async function recordedState(archive: Archive, spec: string, now: Date, options: OpOptions): Promise<ArchiveEntry> {
  return await findEntry(archive, spec, now, options).catch((error: unknown) => {
    throw error instanceof VtError && (error.code === 'EOPEN' || error.code === 'EUSAGE') ? new NoStateError(error) : error;
  });
}
