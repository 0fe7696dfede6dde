import { mkdirSync, statSync } from 'node:fs';
import { PathError, VtError } from '../../../core/base/errors.ts';
import { ItemError } from '../../../core/base/item-error.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText, octetsToTextStrict } from '../../../core/base/octets.ts';
import { pathBytes } from '../../../core/base/system/system-error.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { verifyFile } from '../../../core/onefile/verify-file.ts';
import { joinPath, ROOT_PATH } from '../../../core/tree/path.ts';
import { walkDirent } from '../../../core/tree/walk.ts';
import type { CommandContext } from '../../command.ts';
import type { OtherSource } from '../../session.ts';
import { countText, octetsFields, sizeText } from '../format.ts';
import { resolveLocalPath } from '../local-path.ts';
import { tellPlan } from '../tell-plan.ts';

async function withFile<T>({ session, signal }: CommandContext, file: Octets, use: (opened: OtherSource) => Promise<T>): Promise<T> {
  const path = resolveLocalPath(session.localCwd, file);
  if (statSync(pathBytes(path), { throwIfNoEntry: false })?.isFile() !== true) throw new PathError('ENOENT', 'ar local', file);
  const opened = await session.openOther(path, signal);
  try {
    return await use(opened);
  } finally {
    await opened[Symbol.asyncDispose]();
  }
}

/** Lists the names in a one-file Store. */
export async function listFile(context: CommandContext, file: Octets): Promise<void> {
  const { output, signal } = context;
  await withFile(context, file, async ({ tree, store, start }) => {
    const top = await tree.dirent(start, { signal });
    for await (const item of walkDirent(store, top, { signal })) {
      if (item.kind === 'leave' || item.kind === 'damage' || item.path === ROOT_PATH) continue;
      output.record({ ...octetsFields('path', item.path), type: item.dirent.kind });
      output.line(`${output.name(item.path)}${item.kind === 'enter' ? '/' : ''}`);
    }
  });
}

/** Extracts a one-file Store into a local directory. */
export async function extractFile(context: CommandContext, file: Octets, local: Octets | undefined): Promise<void> {
  const { session, output, diagnostics, signal, plan } = context;
  const target = local === undefined ? session.localCwd : resolveLocalPath(session.localCwd, local);
  await withFile(context, file, async ({ tree, store, start }) => {
    const dirent = await tree.dirent(start, { signal });
    if (plan) {
      tellPlan(output, `write what is in ${output.name(file)} into ${output.name(target)}`);
      return;
    }
    const { exportDirent } = await import('../../../core/export/export.ts');
    const isThere = statSync(pathBytes(target), { throwIfNoEntry: false })?.isDirectory() === true;
    if (!isThere && dirent.kind !== 'dir') mkdirSync(pathBytes(target));
    const to = dirent.kind === 'dir' ? target : joinPath(target, dirent.name);
    const counts = await exportDirent(store, dirent, to, {
      signal,
      keepsTopMeta: isThere,
      onNotice: (notice) => diagnostics.warn(`ar: ${notice}`),
      onFailure: ({ path, error }) => diagnostics.failure(new ItemError('ar', path, error)),
    });
    output.record({ ...octetsFields('file', file), ...counts });
    output.line(`got ${countText(counts.files, 'file')} (${sizeText(counts.bytes)}), ${countText(counts.dirs, 'Dir')}`);
    if (counts.failures === 0) return;
    const code = counts.damaged === counts.failures ? 'ECORRUPT' : 'EPARTIAL';
    throw new VtError(code, `ar -x: done in part, ${countText(counts.failures, 'item')} failed`);
  });
}

/** Checks a one-file Store completely. */
export async function verifyOneFile(context: CommandContext, file: Octets): Promise<void> {
  const { session, output, diagnostics, signal } = context;
  const path = resolveLocalPath(session.localCwd, file);
  const text = octetsToTextStrict(path);
  if (text === undefined) throw new VtError('EOPEN', `ar --verify "${octetsToText(file)}": its name is not UTF-8`);
  await withFile(context, file, async ({ store, archive }) => {
    const states: Dirent[] = [];
    const reasons: string[] = [];
    const onDamage = (_: number, reason: string): void => {
      reasons.push(reason);
    };
    for await (const { dirent } of archive?.entries({ signal, onDamage }) ?? []) states.push(dirent);
    const verdict = await verifyFile(text, statSync(text).size, store, states, { signal });
    if (!verdict.isHeaderWhole) reasons.push('its header is damaged');
    if (!verdict.isIndexWhole) reasons.push('its index is damaged, truncated, or does not match its records');
    for (const { start, end, kind } of verdict.damage)
      reasons.push(kind === 'tail' ? `it ends inside a record, at byte ${start}` : `bytes ${start} to ${end} are damaged`);
    for (const harmed of verdict.harmed) reasons.push(`Blocks of "${octetsToText(harmed)}" are missing or damaged`);
    if (states.length === 0) reasons.push('it has no readable root');
    for (const reason of reasons) diagnostics.failure(new ItemError('ar --verify', file, new VtError('ECORRUPT', reason)));
    const { blocks, bytes } = verdict;
    output.record({ ...octetsFields('file', file), blocks, bytes, states: states.length, faults: reasons.length });
    output.line(
      `${output.name(file)}: ${countText(blocks, 'Block')} (${sizeText(bytes)}), ${countText(states.length, 'state')}, ${countText(reasons.length, 'fault')}`,
    );
    if (reasons.length > 0) throw new VtError('ECORRUPT', `ar --verify "${octetsToText(file)}": it is damaged`);
  });
}
