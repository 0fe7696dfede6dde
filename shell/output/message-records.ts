import type { RecordFields, RecordSpec } from '../../commands/words/record-spec.ts';

// Objects under `--json` that come from no command in particular: those that any command may print, and those of the program.

/** Fields of an error that a program can act on. */
const FAULT_FIELDS = {
  code: 'text?',
  errno: 'text?',
  path: 'name?',
  remedy: 'text?',
  status: 'integer',
} as const satisfies RecordFields;

const PLACE_FIELDS = { where: 'text?', column: 'integer?' } as const satisfies RecordFields;

/** The last object of a writing command: whether it changed the tree, and the new Dirref. */
export const CHANGED_RECORD: RecordSpec = {
  name: 'Changed',
  summary: 'whether a command changed the tree, and its Dirref; null while changes wait for the next sync',
  fields: { changed: 'boolean', dirref: 'text|null', plan: 'true?' },
};

/** Objects that any command may print. */
export const ANY_COMMAND_RECORDS: readonly RecordSpec[] = [
  CHANGED_RECORD,
  { name: 'Planned', summary: 'what would be done, under -n', fields: { plan: 'text' } },
  { name: 'Explained', summary: 'the help of a command, for --help', fields: { help: 'text' } },
];

/** Objects of the program, which may name a command or a request. */
export const MESSAGE_RECORDS: readonly RecordSpec[] = [
  {
    name: 'Problem',
    summary: 'an error that ended a command, or the program',
    fields: { error: 'text', ...FAULT_FIELDS, ...PLACE_FIELDS },
  },
  { name: 'Failure', summary: 'an item that failed while its command went on', fields: { failure: 'text', ...FAULT_FIELDS } },
  { name: 'JobStarted', summary: 'a job that was started', fields: { line: 'text' } },
  {
    name: 'JobEnded',
    summary: 'a job that has ended',
    fields: { line: 'text', state: { choices: ['done', 'failed', 'cancelled'] }, status: 'integer', error: 'text?' },
  },
  { name: 'Warning', summary: 'what a person is warned of', fields: { warning: 'text' } },
  { name: 'Note', summary: 'what a person is told beside the results', fields: { note: 'text' } },
  {
    name: 'Progress',
    summary: 'how far a command is, with --progress=json',
    fields: {
      progress: {
        fields: {
          label: 'text',
          done_bytes: 'integer',
          total_bytes: 'integer?',
          done_items: 'integer?',
          new_blocks: 'integer?',
          existing_blocks: 'integer?',
          bytes_per_second: 'integer?',
          seconds_left: 'integer?',
          lag_bytes: 'integer?',
          lag_ms: 'number?',
        },
      },
    },
  },
  {
    name: 'Done',
    summary: 'the last object of the answer to a request',
    fields: { done: 'true', error: 'text?', ...FAULT_FIELDS, ...PLACE_FIELDS },
  },
  { name: 'Recited', summary: 'the Dirref of the tree, at the end of a session', fields: { dirref: 'text' } },
  {
    name: 'Ended',
    summary: 'the end of a session by a signal',
    fields: { ended: { choices: ['terminated'] }, status: 'integer', dirref: 'text' },
  },
  { name: 'ProgramHelp', summary: 'what vtftp --help prints', fields: { help: 'text' } },
  { name: 'ProgramVersion', summary: 'what vtftp --version prints', fields: { version: 'text' } },
];
