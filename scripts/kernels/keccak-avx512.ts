import { COLUMNS, LANES, piSource, RATE, ROUND_CONSTANTS, ROUNDS, TURNS } from './keccak-rounds.ts';
import { POINTERS, SCRATCH, type VectorKernel } from './native-kernel.ts';

// Eight messages side by side, with AVX-512F. The 25 lanes stay in registers for all rounds; 7 registers are left over. One
// instruction rotates a lane, one adds three lanes, and one does chi. Pi costs nothing: it only renames registers, and after 24 rounds
// the names are the first ones again.

const SIDES = 8;

/** Registers that hold no lanes. */
const FREE = Array.from({ length: 32 - LANES }, (_, i) => `zmm${LANES + i}`);

// Truth tables of vpternlogq, with the destination as the highest bit of the row's number.
const XOR3 = 0x96;
/** destination ^ (~second & third) */
const CHI = 0xd2;

function free(index: number): string {
  return FREE[index] ?? '';
}

/** The register of each lane. */
type Places = readonly string[];

const FIRST: Places = Array.from({ length: LANES }, (_, lane) => `zmm${lane}`);

function absorption(): string[] {
  const lines: string[] = [];
  for (let lane = 0; lane < RATE / 8; lane++) {
    const word = free(lane % FREE.length);
    lines.push(`vpbroadcastq ${word}, [${POINTERS[0]} + ${8 * lane}]`);
    for (let side = 1; side < SIDES; side++) lines.push(`vpbroadcastq ${word}{k${side}}, [${POINTERS[side]} + ${8 * lane}]`);
    lines.push(`vpxorq ${FIRST[lane]}, ${FIRST[lane]}, ${word}`);
  }
  return lines;
}

function round(places: Places, index: number): { readonly lines: string[]; readonly places: Places } {
  const at = (lane: number): string => places[lane] ?? '';
  const lines: string[] = [];
  // Theta: the parities of the columns, and the value that each column gets from its neighbours.
  for (const x of COLUMNS) {
    lines.push(`vmovdqa64 ${free(x)}, ${at(x)}`);
    lines.push(`vpternlogq ${free(x)}, ${at(x + 5)}, ${at(x + 10)}, ${XOR3}`);
    lines.push(`vpternlogq ${free(x)}, ${at(x + 15)}, ${at(x + 20)}, ${XOR3}`);
  }
  for (const x of COLUMNS) {
    const turned = free(5 + (x % 2));
    lines.push(`vprolq ${turned}, ${free((x + 1) % 5)}, 1`);
    for (const y of COLUMNS) lines.push(`vpternlogq ${at(x + 5 * y)}, ${turned}, ${free((x + 4) % 5)}, ${XOR3}`);
  }
  // Rho and pi.
  for (let lane = 1; lane < LANES; lane++) lines.push(`vprolq ${at(lane)}, ${at(lane)}, ${TURNS[lane]}`);
  const next = Array.from({ length: LANES }, (_, lane) => at(piSource(lane % 5, Math.floor(lane / 5))));
  // Chi, a row at a time. The first two lanes of a row are needed after they have changed.
  for (const y of COLUMNS) {
    const row = COLUMNS.map((x) => next[x + 5 * y] ?? '');
    const old = [free((2 * y) % 6), free((2 * y + 1) % 6), ...row.slice(2)];
    lines.push(`vmovdqa64 ${old[0]}, ${row[0]}`, `vmovdqa64 ${old[1]}, ${row[1]}`);
    for (const x of COLUMNS) lines.push(`vpternlogq ${row[x]}, ${old[(x + 1) % 5]}, ${old[(x + 2) % 5]}, ${CHI}`);
  }
  lines.push(`vpxorq ${next[0]}, ${next[0]}, qword ptr [rbp + ${8 * index}]{1to8}`);
  return { lines, places: next };
}

function permutation(): string[] {
  const lines: string[] = [];
  let places = FIRST;
  for (let index = 0; index < ROUNDS; index++) {
    const done = round(places, index);
    lines.push(...done.lines);
    places = done.places;
  }
  if (places.some((place, lane) => place !== FIRST[lane])) throw new Error('the lanes are not where they were');
  return lines;
}

/** The kernel for processors with AVX-512F. */
export const AVX512_KERNEL: VectorKernel = {
  sides: SIDES,
  statesSize: LANES * SIDES * 8,
  prepare: Array.from({ length: SIDES - 1 }, (_, i) => [`mov eax, ${2 << i}`, `kmovw k${i + 1}, eax`]).flat(),
  absorb: [
    'lea rbp, [rip + constants]',
    ...FIRST.map((register, lane) => `vmovdqa64 ${register}, [${SCRATCH} + ${64 * lane}]`),
    'block:',
    ...absorption(),
    ...permutation(),
    ...POINTERS.map((pointer) => `add ${pointer}, ${RATE}`),
    'dec r11',
    'jnz block',
    ...FIRST.map((register, lane) => `vmovdqa64 [${SCRATCH} + ${64 * lane}], ${register}`),
  ],
  data: ['.balign 8', 'constants:', ...ROUND_CONSTANTS.map((constant) => `.quad 0x${constant.toString(16)}`)],
};
