import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { UsageError, VtError } from '../../core/base/errors.ts';
import { groupedDigits } from '../../core/base/grouped-digits.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToBytes, octetsToText } from '../../core/base/octets.ts';
import { readFully } from '../../core/base/system/read-fully.ts';
import { runChunks } from '../../core/block/run-bytes.ts';
import { fileSlices } from '../../core/blockify/ingest/file-slices.ts';
import type { Parser } from '../../core/blockify/parser.ts';
import type { ContentSurvey, SurveyedLeaf } from '../../core/blockify/survey.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { baseName } from '../../core/tree/path.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { defineCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';
import { countText, octetsFields, sizeText } from '../parts/format.ts';
import { resolveLocalPath } from '../parts/local-path.ts';
import { printFields } from '../parts/metadata.ts';
import { drawHistogram, histogramRecord, writeHistogram } from '../parts/pictures/histogram.ts';
import { HISTOGRAM_FIELD } from '../parts/records.ts';
import type { RecordSpec } from '../words/record-spec.ts';

const SURVEY_RECORD: RecordSpec = {
  name: 'Survey',
  summary: 'how a local file is cut',
  fields: {
    local: 'name',
    parser: 'text',
    bytes: 'integer',
    leaves: 'integer',
    leaf_bytes: 'integer',
    min_size: 'integer',
    mean_size: 'number',
    max_size: 'integer',
    literals: 'integer',
    runs: 'integer',
    run_bytes: 'integer',
    nul_runs: 'integer',
    nul_bytes: 'integer',
    unique_leaves: 'integer',
    unique_bytes: 'integer',
    histogram: HISTOGRAM_FIELD,
    ms: { fields: { read: 'number', kernel: 'number', parser: 'number', picker: 'number', hash: 'number' } },
    seconds: 'number',
    bytes_per_second: 'integer',
    edges: {
      fields: { offset: 'integer', size: 'integer', kind: 'text', octet: 'integer?', digest: 'text?' },
      list: true,
      optional: true,
    },
  },
};

/** Bytes read at a time. */
const SLICE_SIZE = 1024 * 1024;

/** `blockify`: how local files would be cut into Blocks. */
export const blockifyCommand = defineCommand({
  name: 'blockify',
  group: 'local',
  summary: 'show how put would cut local files into Blocks, without storing them',
  details: [
    'blockify reads each file, cuts it with the edge settings of the Store and hashes it, in one thread; put uses several. It prints the parser, the number of leaves and their sizes, and how much repeats within the file. It prints runs of one byte; runs of NUL become holes when get writes the file. It prints the time of each stage: reading, the edge kernel, the parser, picking edges, hashing.',
    '--edges lists every leaf: its first byte, its size, and whether it is stored, literal (in its reference) or a run. With --json each file is one object.',
  ],
  args: [{ name: 'local', kind: 'local', summary: 'regular files', repeat: true }],
  options: [
    { name: 'edges', short: 'e', summary: 'list the leaves: offset, size, kind' },
    { name: 'hash', summary: 'with --edges: the hashes of the leaves too' },
    { name: 'histogram', short: 'H', summary: 'draw the sizes of the leaves' },
    { name: 'svg', value: { name: 'FILE', kind: 'local' }, summary: 'write that picture into a local file' },
    {
      name: 'parser',
      value: { name: 'PARSER', kind: 'text' },
      summary: 'cut with this parser, or none; default: the one that fits each file',
    },
  ],
  examples: [
    { line: 'blockify --histogram backup.tar', says: 'cuts at the edges of its members, and draws the sizes' },
    { line: 'blockify --parser=none backup.tar', says: 'cuts without a parser, for comparison' },
  ],
  records: [SURVEY_RECORD],
  async run(context, input) {
    const locals = input.named.get('local') ?? [];
    if (input.options.has('svg') && locals.length > 1) throw new UsageError('blockify --svg: expected one file');
    if (input.options.has('hash') && !input.options.has('edges')) throw new UsageError('blockify --hash: expected --edges too');
    const wanted = await wantedParser(input);
    let isFirst = true;
    await forEachItem(context, locals, async (local) => {
      await surveyOne(context, input, local, wanted, isFirst);
      isFirst = false;
    });
  },
});

/** The requested parser. @throws {UsageError} for an unknown name */
async function wantedParser({ options }: CommandInput): Promise<string | undefined> {
  const value = options.get('parser');
  if (value === undefined || value === true) return undefined;
  const { parserNames } = await import('../../core/blockify/choose-parser.ts');
  const name = octetsToText(value);
  if (!parserNames().includes(name)) throw new UsageError(`blockify --parser="${name}": expected one of ${parserNames().join(', ')}`);
  return name;
}

async function surveyOne(
  context: CommandContext,
  { options }: CommandInput,
  local: Octets,
  wanted: string | undefined,
  isFirst: boolean,
): Promise<void> {
  const { session, output, signal } = context;
  const { parserOf } = await import('../../core/blockify/choose-parser.ts');
  const { surveyContent } = await import('../../core/blockify/survey.ts');
  const { edges, hashName } = session.store;
  const path = resolveLocalPath(session.localCwd, local);
  const leaves: SurveyedLeaf[] = [];
  const fd = openSync(octetsToBytes(path), constants.O_RDONLY | constants.O_NONBLOCK);
  let survey: ContentSurvey;
  let parser: Parser | undefined;
  const startedMs = performance.now();
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new VtError('EFAILED', `blockify "${octetsToText(local)}": it is not a regular file`);
    const head = Buffer.alloc(Math.min(stat.size, SLICE_SIZE));
    parser = parserOf({ fileName: baseName(path as TreePath), parser: wanted }, head.subarray(0, readFully(fd, head, 0)), edges.minSize);
    survey = await surveyContent(fileChunks(fd, stat.size, stat.blocks * 512 < stat.size), edges, {
      hashName,
      parser,
      signal,
      ...(options.has('edges') ? { onLeaf: (leaf) => leaves.push(leaf) } : {}),
    });
  } finally {
    closeSync(fd);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const svg = options.get('svg');
  if (svg !== undefined && svg !== true) await writeHistogram(context, svg, survey.histogram, octetsToText(baseName(path as TreePath)));
  output.record({
    ...octetsFields('local', path),
    parser: parser?.name ?? 'none',
    ...surveyRecord(survey),
    seconds: Number(seconds.toFixed(6)),
    bytes_per_second: Math.round(survey.bytes / Math.max(seconds, 1e-6)),
    ...(options.has('edges') ? { edges: leaves.map((leaf) => leafRecord(leaf, options.has('hash'))) } : {}),
  });
  if (!isFirst) output.line('');
  printFields(output, [['local', output.name(local)], ['parser', parser?.name ?? 'none'], ...surveyFields(survey, seconds)]);
  if (options.has('edges')) for (const leaf of leaves) output.line(leafLine(leaf, options.has('hash')));
  if (options.has('histogram')) drawHistogram(context, survey.histogram);
}

/** The bytes of an open file; its holes without reading them. */
function* fileChunks(fd: number, size: number, sparse: boolean): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(SLICE_SIZE);
  for (const { hole, offset, length } of fileSlices(fd, size, sparse, SLICE_SIZE)) {
    if (hole) yield* runChunks(0, length);
    else yield buffer.subarray(0, readFully(fd, buffer.subarray(0, length), offset));
  }
}

function surveyFields(survey: ContentSurvey, seconds: number): [string, string][] {
  const { leaves, literals, runs, nulRuns, leafBytes, uniqueBytes, times } = survey;
  const fields: [string, string][] = [
    ['size', survey.bytes < 1000 ? String(survey.bytes) : `${survey.bytes} (${sizeText(survey.bytes)})`],
    ['leaves', `${groupedDigits(leaves)}${literals > 0 ? `, ${groupedDigits(literals)} of them literal` : ''}`],
  ];
  if (leaves > 0)
    fields.push(['sizes', `${sizeText(survey.minSize)} to ${sizeText(survey.maxSize)}, ${sizeText(survey.meanSize)} on average`]);
  if (runs > 0) {
    const nul = nulRuns > 0 ? `; of NUL ${groupedDigits(nulRuns)} (${sizeText(survey.nulBytes)})` : '';
    fields.push(['runs', `${groupedDigits(runs)} (${sizeText(survey.runBytes)})${nul}`]);
  }
  fields.push(
    ['unique', `${countText(survey.uniqueLeaves, 'Block')}, ${sizeText(uniqueBytes)} of ${sizeText(leafBytes)}`],
    [
      'time',
      `read ${ms(times.readMs)}, kernel ${ms(times.kernelMs)}, parser ${ms(times.parserMs)}, picker ${ms(times.pickerMs)}, hash ${ms(times.hashMs)}`,
    ],
    ['speed', `${sizeText(survey.bytes / Math.max(seconds, 1e-6))}/s in ${seconds.toFixed(2)} s`],
  );
  return fields;
}

function surveyRecord(survey: ContentSurvey): Record<string, unknown> {
  const { times } = survey;
  return {
    bytes: survey.bytes,
    leaves: survey.leaves,
    leaf_bytes: survey.leafBytes,
    min_size: survey.minSize,
    mean_size: survey.meanSize,
    max_size: survey.maxSize,
    literals: survey.literals,
    runs: survey.runs,
    run_bytes: survey.runBytes,
    nul_runs: survey.nulRuns,
    nul_bytes: survey.nulBytes,
    unique_leaves: survey.uniqueLeaves,
    unique_bytes: survey.uniqueBytes,
    histogram: histogramRecord(survey.histogram),
    ms: Object.fromEntries(
      Object.entries(times).map(([stage, value]): [string, number] => [stage.replace(/Ms$/, ''), Number(value.toFixed(3))]),
    ),
  };
}

function leafLine({ offset, size, kind, digest }: SurveyedLeaf, hashed: boolean): string {
  const line = `${String(offset).padStart(12)} ${String(size).padStart(8)} ${kind === 'hash' ? 'stored' : kind}`;
  return hashed && digest !== undefined ? `${line.padEnd(29)} ${Buffer.from(digest).toString('hex')}` : line;
}

function leafRecord({ offset, size, kind, digest, octet }: SurveyedLeaf, hashed: boolean): Record<string, unknown> {
  return {
    offset,
    size,
    kind: kind === 'hash' ? 'stored' : kind,
    ...(octet === undefined ? {} : { octet }),
    ...(hashed && digest !== undefined ? { digest: Buffer.from(digest).toString('hex') } : {}),
  };
}

function ms(value: number): string {
  return value < 1000 ? `${value.toFixed(value < 10 ? 1 : 0)} ms` : `${(value / 1000).toFixed(2)} s`;
}
