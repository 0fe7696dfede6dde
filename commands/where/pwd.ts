import { defineTreeCommand } from '../command.ts';
import { octetsFields } from '../parts/format.ts';

/** `pwd`: the working path. */
export const pwd = defineTreeCommand({
  name: 'pwd',
  group: 'where',
  summary: 'print the working path',
  records: [{ name: 'WorkingPath', summary: 'the working path in the tree', fields: { cwd: 'name', state: 'text?' } }],
  async run({ session, local, output }) {
    output.line(output.name(session.cwd));
    output.record({ ...octetsFields('cwd', session.cwd), ...(local?.view === undefined ? {} : { state: local.view }) });
  },
});
