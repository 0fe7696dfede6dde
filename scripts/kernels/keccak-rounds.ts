// The constants of Keccak-f[1600], for all kernels of SHA-3.
// @see FIPS 202, section 3.2 for theta, rho, pi, chi and iota

/** Lanes of the state: lane (x, y) has index x + 5 y. */
export const LANES = 25;

export const COLUMNS = [0, 1, 2, 3, 4] as const;

export const ROUNDS = 24;

/** Bytes of a block of SHA-3-256's sponge. */
export const RATE = 136;

/** Bits by which rho rotates each lane: t (t + 1) / 2 for the t-th lane on its way from (1, 0). */
export const TURNS: readonly number[] = turns();

function turns(): number[] {
  const turn: number[] = Array(LANES).fill(0);
  let [x, y] = [1, 0];
  for (let t = 1; t < LANES; t++) {
    turn[x + 5 * y] = ((t * (t + 1)) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return turn;
}

/** The lane that pi brings to (x, y). Lane (a, b) goes to (b, 2a + 3b), so a = 3 (y - 3x), modulo 5. */
export function piSource(x: number, y: number): number {
  return ((3 * (y + 15 - 3 * x)) % 5) + 5 * x;
}

/** The constant that iota adds in each round: bit 2^j - 1 is the output j + 7 round of a linear feedback shift register. */
export const ROUND_CONSTANTS: readonly bigint[] = roundConstants();

function roundConstants(): bigint[] {
  let register = 1;
  return Array.from({ length: ROUNDS }, () => {
    let constant = 0n;
    for (let j = 0; j < 7; j++) {
      if ((register & 1) === 1) constant |= 1n << ((1n << BigInt(j)) - 1n);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
    return constant;
  });
}
