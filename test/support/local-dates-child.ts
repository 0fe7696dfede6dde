import { formatLocalTime, parseDate } from '../../core/base/date.ts';
import { useZone } from '../../core/base/system/local-offset.ts';

// Reads seconds since 1970 and local times, a line each, and tells what the program makes of them in the zone of `TZ`. Started by test/core/base/date.test.ts.

useZone(process.env['TZ']);
let text = '';
process.stdin.setEncoding('utf8');
for await (const chunk of process.stdin) text += String(chunk);
const now = new Date();
const told = text
  .trimEnd()
  .split('\n')
  .map((line) => {
    if (/^-?\d+$/.test(line)) {
      const ns = BigInt(line) * 1_000_000_000n + 120_000_000n;
      const shown = formatLocalTime(ns);
      return parseDate(shown, now) === ns ? shown : `${shown} is not read back`;
    }
    try {
      return String(parseDate(line, now) / 1_000_000_000n);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  });
process.stdout.write(`${told.join('\n')}\n`);
