import { defineCommand } from '../command.ts';

/** `history`: lines typed so far. */
export const history = defineCommand({
  name: 'history',
  group: 'shell',
  summary: 'list the lines typed so far, the oldest first',
  args: [{ name: 'count', kind: 'number', summary: 'show only the last COUNT lines', optional: true }],
  records: [{ name: 'Typed', summary: 'a line that was typed', fields: { number: 'integer', line: 'text' } }],
  async run({ session, output }, { args: [count] }) {
    const { history: lines } = session;
    const first = count === undefined ? 0 : Math.max(0, lines.length - Math.abs(Number(count)));
    for (const [i, line] of lines.entries()) {
      if (i < first) continue;
      output.line(`${String(i + 1).padStart(5)}  ${line}`);
      output.record({ number: i + 1, line });
    }
  },
});
