/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** 0 <= n < limit */
  below(limit: number): number;
  chance(percent: number): boolean;
  /** About normal, mean 0, deviation 1: the sum of twelve. */
  normal(): number;
  bytes(size: number): Buffer;
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** @param seed - 0 <= seed < 2^32; mulberry32, which is in the public domain */
export function makeRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit);
  return {
    below,
    chance: (percent) => below(100) < percent,
    normal: () => Array.from({ length: 12 }, () => next() / 2 ** 32).reduce((sum, value) => sum + value, -6),
    bytes: (size) => {
      const words = new Uint32Array(Math.ceil(size / 4));
      for (let i = 0; i < words.length; i++) words[i] = next();
      return Buffer.from(words.buffer, 0, size);
    },
    pick: (from) => from[below(from.length)] ?? from[0],
  };
}
