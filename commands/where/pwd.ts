import { defineCommand } from '../command.ts';
import { octetsFields } from '../parts/format.ts';

/** `pwd`: the working path. */
export const pwd = defineCommand({
  name: 'pwd',
  group: 'where',
  summary: 'print the working path',
  async run({ session, output }) {
    output.line(output.name(session.cwd));
    output.record({ ...octetsFields('cwd', session.cwd), ...(session.view === undefined ? {} : { state: session.view }) });
  },
});
