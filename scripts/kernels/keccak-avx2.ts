import { COLUMNS, LANES, piSource, RATE, ROUND_CONSTANTS, ROUNDS, TURNS } from './keccak-rounds.ts';
import { POINTERS, SCRATCH, type VectorKernel } from './native-kernel.ts';

// Four messages side by side, with AVX2. Sixteen registers cannot hold 25 lanes. So each round moves the states from one of two
// places in memory to the other, as in the WebAssembly kernel. Registers hold the five parities of columns, the five values that
// theta adds to them, the five lanes of a row, and one value more.

const SIDES = 4;
const VECTOR_SIZE = SIDES * 8;
const STATE_SIZE = LANES * VECTOR_SIZE;

const REST = 'ymm15';

function parity(x: number): string {
  return `ymm${x}`;
}

function theta(x: number): string {
  return `ymm${5 + x}`;
}

function row(x: number): string {
  return `ymm${10 + x}`;
}

function lane(place: 0 | 1, index: number): string {
  return `[${SCRATCH} + ${place * STATE_SIZE + index * VECTOR_SIZE}]`;
}

/** Rotates `register` left. */
function turn(register: string, bits: number): string[] {
  if (bits === 0) return [];
  // By whole bytes: one instruction in place of three.
  if (bits % 8 === 0) return [`vpshufb ${register}, ${register}, [rip + octets${bits}]`];
  return [
    `vpsllq ${REST}, ${register}, ${bits}`,
    `vpsrlq ${register}, ${register}, ${64 - bits}`,
    `vpor ${register}, ${register}, ${REST}`,
  ];
}

/** One round, from one place of the states to the other; the parities are valid before and after. */
function round(from: 0 | 1, constant: number): string[] {
  const lines: string[] = [];
  for (const x of COLUMNS) {
    const next = parity((x + 1) % 5);
    // The processor has fewer ports for shifts than for additions.
    lines.push(`vpaddq ${REST}, ${next}, ${next}`, `vpsrlq ${theta(x)}, ${next}, 63`, `vpor ${theta(x)}, ${theta(x)}, ${REST}`);
    lines.push(`vpxor ${theta(x)}, ${theta(x)}, ${parity((x + 4) % 5)}`);
  }
  for (const y of COLUMNS) {
    for (const x of COLUMNS) {
      const source = piSource(x, y);
      lines.push(`vpxor ${row(x)}, ${theta(source % 5)}, ${lane(from, source)}`, ...turn(row(x), TURNS[source] ?? 0));
    }
    for (const x of COLUMNS) {
      // The first row initializes the parities.
      const made = y === 0 ? parity(x) : REST;
      lines.push(`vpandn ${made}, ${row((x + 1) % 5)}, ${row((x + 2) % 5)}`, `vpxor ${made}, ${made}, ${row(x)}`);
      if (x + y === 0) lines.push(`vpxor ${made}, ${made}, [rbp + ${constant * VECTOR_SIZE}]`);
      lines.push(`vmovdqa ${lane(from === 0 ? 1 : 0, x + 5 * y)}, ${made}`);
      if (y > 0) lines.push(`vpxor ${parity(x)}, ${parity(x)}, ${made}`);
    }
  }
  return lines;
}

function absorption(): string[] {
  return Array.from({ length: RATE / 8 }, (_, index) => {
    const [one, two, three, four] = POINTERS.map((pointer) => `[${pointer} + ${8 * index}]`);
    const [low, high] = index % 2 === 0 ? [14, 15] : [12, 13];
    return [
      `vmovq xmm${low}, ${one}`,
      `vmovhps xmm${low}, xmm${low}, ${two}`,
      `vmovq xmm${high}, ${three}`,
      `vmovhps xmm${high}, xmm${high}, ${four}`,
      `vinserti128 ymm${low}, ymm${low}, xmm${high}, 1`,
      `vpxor ymm${low}, ymm${low}, ${lane(0, index)}`,
      `vmovdqa ${lane(0, index)}, ymm${low}`,
    ];
  }).flat();
}

function parities(): string[] {
  return COLUMNS.flatMap((x) => [
    `vmovdqa ${parity(x)}, ${lane(0, x)}`,
    ...[1, 2, 3, 4].map((y) => `vpxor ${parity(x)}, ${parity(x)}, ${lane(0, x + 5 * y)}`),
  ]);
}

/** The source of each byte if words are rotated left by `bits`. */
function octetOrder(bits: number): string {
  return Array.from({ length: VECTOR_SIZE }, (_, i) => (i & 8) | ((i + 8 - bits / 8) & 7)).join(', ');
}

/** The kernel for processors with AVX2. */
export const AVX2_KERNEL: VectorKernel = {
  sides: SIDES,
  statesSize: 2 * STATE_SIZE,
  prepare: [],
  absorb: [
    'block:',
    ...absorption(),
    ...parities(),
    'lea rbp, [rip + constants]',
    'lea r10, [rip + constants_end]',
    'rounds:',
    ...round(0, 0),
    ...round(1, 1),
    `add rbp, ${2 * VECTOR_SIZE}`,
    'cmp rbp, r10',
    'jb rounds',
    ...POINTERS.slice(0, SIDES).map((pointer) => `add ${pointer}, ${RATE}`),
    'dec r11',
    'jnz block',
  ],
  data: [
    '.balign 32',
    'constants:',
    ...ROUND_CONSTANTS.map(
      (constant) =>
        `.quad ${Array(SIDES)
          .fill(`0x${constant.toString(16)}`)
          .join(', ')}`,
    ),
    'constants_end:',
    ...[8, 56].flatMap((bits) => [`octets${bits}:`, `.byte ${octetOrder(bits)}`]),
  ],
};

if (ROUNDS % 2 !== 0) throw new Error('the states end in the other place');
