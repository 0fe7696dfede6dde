import { CHECK_BASE, FILTER_BASE, FILTER_START, power, WINDOW_SIZE } from '../../core/blockify/edge-hash.ts';

// The source of the edge kernel: WebAssembly text, unrolled here. core/blockify/edge-kernel-twin.ts does the same in plain TypeScript.
//
// H of the even positions of 16 bytes, counted from where the scan begins, is computed in eight 16-bit lanes by doubling.
// `H2[i] = b[i] + m b[i-1]`, `H4[i] = H2[i] + m^2 H2[i-2]` and so on. The earlier lanes are those of the vector before. H
// of the odd position after each follows in one step of the rolling hash: m H[i] + b[i+1] - m^64 b[i-63]. With a window of
// 32 that is 24 vector operations for 16 bytes. Doubling for odd positions as well takes 32 (4,400 against 3,150 MB/s at
// 2.1 GHz). A window of 64 takes 26.

/** Vectors of 16 bytes in one iteration of the loop: 1 / 2 / 4 gave 3,520 / 3,970 / 4,400 MB/s. */
const VECTORS = 4;

const GROUP_SIZE = 16 * VECTORS;

/** Steps of doubling within a vector: bytes of the window so far. */
const STEPS = [2, 4, 8, 16] as const;

/** Values that are kept from one vector to the next. */
const KEPT = [...STEPS, 32] as const;

function splat(value: number): string {
  return `(v128.const i16x8 ${Array(8)
    .fill(value & 0xffff)
    .join(' ')})`;
}

/** The eight lanes which end `lanes` before the end of `current`, reaching back into `previous`. */
function lanesBefore(lanes: number, previous: string, current: string): string {
  const first = 16 - 2 * lanes;
  const octets = Array.from({ length: 16 }, (_, i) => first + i).join(' ');
  return `(i8x16.shuffle ${octets} (local.get ${previous}) (local.get ${current}))`;
}

/** One doubling: `next = current + m^step * (current, step bytes ago)`. */
function doubling(step: number, previous: string, current: string, next: string): string {
  return `(local.set ${next} (i16x8.add (local.get ${current}) (i16x8.mul (local.get $m${step}) ${lanesBefore(step / 2, previous, current)})))`;
}

/** Sixteen bytes from $p + 16 * vector on: their even positions' hits in $even, the odd ones' in $odd. */
function vector(index: number): string {
  const at = GROUP_OFFSET + 16 * index;
  const previous = (step: number): string => (index === 0 ? `$h${step}_before` : `$h${step}_${index - 1}`);
  const own = (step: number): string => `$h${step}_${index}`;
  return `
    ;; octets ${16 * index}..${16 * index + 15}: lanes of (b[i-1], b[i])
    (local.set $pairs (v128.load offset=${at - 1} align=1 (local.get $p)))
    (local.set ${own(2)} (i16x8.add (i16x8.shr_u (local.get $pairs) (i32.const 8))
      (i16x8.mul (local.get $m1) (v128.and (local.get $pairs) (local.get $low)))))
    ${doubling(2, previous(2), own(2), own(4))}
    ${doubling(4, previous(4), own(4), own(8))}
    ${doubling(8, previous(8), own(8), own(16))}
    ;; sixteen octets ago is the vector before, 32 the one before that
    (local.set ${own(32)} (i16x8.add (local.get ${own(16)}) (i16x8.mul (local.get $m16) (local.get ${previous(16)}))))
    (local.set $h (i16x8.add (local.get ${own(32)}) (i16x8.mul (local.get $m32) (local.get ${index === 0 ? '$h32_earlier' : index === 1 ? '$h32_before' : `$h32_${index - 2}`}))))
    (local.set $even_${index} (i16x8.lt_s (local.get $h) (local.get $limit)))
    (local.set $h (i16x8.add (i16x8.mul (local.get $m1) (local.get $h)) (i16x8.sub
      (i16x8.shr_u (v128.load offset=${at} align=1 (local.get $p)) (i32.const 8))
      (i16x8.mul (local.get $m64) (i16x8.shr_u (v128.load offset=${at - WINDOW_SIZE} align=1 (local.get $p)) (i32.const 8))))))
    (local.set $odd_${index} (i16x8.lt_s (local.get $h) (local.get $limit)))`;
}

/** $p runs this much behind the bytes at hand, since an address's offset cannot be negative. */
const GROUP_OFFSET = 64;

/** Bits of the hits of a vector, in the order of the bytes. */
function hits(index: number): string {
  return `(i64.shl (i64.extend_i32_u (i8x16.bitmask (v128.bitselect (local.get $even_${index}) (local.get $odd_${index}) (local.get $low)))) (i64.const ${16 * index}))`;
}

function each(make: (index: number) => string): string[] {
  return Array.from({ length: VECTORS }, (_, index) => make(index));
}

function allOf(operation: string, items: readonly string[]): string {
  return items.reduce((left, right) => `(${operation} ${left} ${right})`);
}

const MULTIPLIERS = [1, 2, 4, 8, 16, 32, 64] as const;

const VECTOR_LOCALS = [
  'pairs',
  'h',
  'low',
  'limit',
  ...MULTIPLIERS.map((k) => `m${k}`),
  ...KEPT.map((step) => `h${step}_before`),
  'h32_earlier',
  ...each((index) => KEPT.map((step) => `h${step}_${index}`).join(' ')).flatMap((names) => names.split(' ')),
  ...each((index) => `even_${index}`),
  ...each((index) => `odd_${index}`),
];

/** The module's text. Signed comparison makes FILTER_START, which is the least signed number, the filter's lower end for nothing. */
export function edgeKernelWat(): string {
  if (FILTER_START !== 0x8000 || WINDOW_SIZE !== 64)
    throw new RangeError('build kernel: expected a filter from 0x8000 on, and a window of 64');
  const m = FILTER_BASE;
  return `(module
  (import "env" "memory" (memory 1 65536 shared))

  ;; Where the last call of $candidates stopped: all positions before it are done.
  (global $stopped (export "stopped") (mut i32) (i32.const 0))

  ;; The polynomial of base $base over the ${WINDOW_SIZE} octets up to and including $at, modulo 2^32.
  (func $window (param $at i32) (param $base i32) (result i32)
    (local $i i32) (local $sum i32)
    (local.set $i (i32.sub (local.get $at) (i32.const ${WINDOW_SIZE - 1})))
    (loop $octets
      (local.set $sum (i32.add (i32.mul (local.get $sum) (local.get $base)) (i32.load8_u (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $octets (i32.le_u (local.get $i) (local.get $at))))
    (local.get $sum))

  ;; Writes the candidate at $at, if G says that it is one: the offset past it from $origin, with the top bit if strict.
  (func $check (param $at i32) (param $origin i32) (param $out i32) (param $lax i32) (param $strict i32) (result i32)
    (local $g i32)
    (local.set $g (call $window (local.get $at) (i32.const ${CHECK_BASE | 0})))
    (if (i32.gt_u (local.get $g) (local.get $lax)) (then (return (i32.const 0))))
    (i32.store (local.get $out) (i32.or
      (i32.sub (i32.add (local.get $at) (i32.const 1)) (local.get $origin))
      (i32.shl (i32.lt_u (local.get $g) (local.get $strict)) (i32.const 31))))
    (i32.const 1))

  ;; Candidates at positions $from <= i < $end, ascending, as u32 from $out on, at most $most; gives their number. Positions
  ;; are addresses; at least ${WINDOW_SIZE - 1} octets of content lie before $from. Reads nothing from $end on, and up to
  ;; ${GROUP_OFFSET + GROUP_SIZE} octets before $from. $most >= ${GROUP_SIZE}.
  (func (export "candidates") (param $from i32) (param $end i32) (param $origin i32) (param $out i32) (param $most i32)
    (param $width i32) (param $lax i32) (param $strict i32) (result i32)
    (local $p i32) (local $n i32) (local $first i32) (local $last i32) (local $scalar i32) (local $mask i64)
    ${VECTOR_LOCALS.map((name) => `(local $${name} v128)`).join(' ')}
    ;; Whole groups first.
    (local.set $last (i32.sub (local.get $end) (i32.const ${GROUP_SIZE})))
    (if (i32.le_s (local.get $from) (local.get $last)) (then
      (local.set $low ${splat(0xff)})
      (local.set $limit (i16x8.splat (i32.sub (local.get $width) (i32.const ${FILTER_START}))))
      ${MULTIPLIERS.map((k) => `(local.set $m${k} ${splat(power(m, k))})`).join('\n      ')}
      ;; The group before fills the window: the hits in it are not looked at.
      (local.set $p (i32.sub (local.get $from) (i32.const ${GROUP_OFFSET + GROUP_SIZE})))
      (local.set $first (i32.sub (local.get $from) (i32.const ${GROUP_OFFSET})))
      (local.set $last (i32.sub (local.get $last) (i32.const ${GROUP_OFFSET})))
      (block $full (loop $groups
        ${each(vector).join('\n')}
        ${KEPT.map((step) => `(local.set $h${step}_before (local.get $h${step}_${VECTORS - 1}))`).join('\n        ')}
        (local.set $h32_earlier (local.get $h32_${VECTORS - 2}))
        (if (v128.any_true ${allOf(
          'v128.or',
          each((index) => `(v128.or (local.get $even_${index}) (local.get $odd_${index}))`),
        )}) (then
          (if (i32.ge_u (local.get $p) (local.get $first)) (then
          (br_if $full (i32.gt_u (i32.add (local.get $n) (i32.const ${GROUP_SIZE})) (local.get $most)))
          (local.set $mask ${allOf('i64.or', each(hits))})
          (loop $hits
            (local.set $n (i32.add (local.get $n) (call $check
              (i32.add (i32.add (local.get $p) (i32.const ${GROUP_OFFSET})) (i32.wrap_i64 (i64.ctz (local.get $mask))))
              (local.get $origin) (i32.add (local.get $out) (i32.shl (local.get $n) (i32.const 2))) (local.get $lax) (local.get $strict))))
            (local.set $mask (i64.and (local.get $mask) (i64.sub (local.get $mask) (i64.const 1))))
            (br_if $hits (i64.ne (local.get $mask) (i64.const 0))))))))
        (local.set $p (i32.add (local.get $p) (i32.const ${GROUP_SIZE})))
        (br_if $groups (i32.le_s (local.get $p) (local.get $last)))))
      (local.set $from (i32.add (local.get $p) (i32.const ${GROUP_OFFSET})))
      ;; Stopped within the groups: the rest is the next call's.
      (if (i32.le_s (local.get $p) (local.get $last)) (then
        (global.set $stopped (local.get $from))
        (return (local.get $n))))))
    ;; What is left, one position after the other.
    (if (i32.lt_u (local.get $from) (local.get $end)) (then
      (local.set $scalar (call $window (local.get $from) (i32.const ${m})))
      (block $done (loop $positions
        (br_if $done (i32.ge_u (local.get $n) (local.get $most)))
        (if (i32.lt_u (i32.and (i32.sub (local.get $scalar) (i32.const ${FILTER_START})) (i32.const 0xffff)) (local.get $width)) (then
          (local.set $n (i32.add (local.get $n) (call $check (local.get $from) (local.get $origin)
            (i32.add (local.get $out) (i32.shl (local.get $n) (i32.const 2))) (local.get $lax) (local.get $strict))))))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (local.set $scalar (i32.add (i32.mul (local.get $scalar) (i32.const ${m}))
          (i32.sub (i32.load8_u (local.get $from))
            (i32.mul (i32.const ${power(m, WINDOW_SIZE) & 0xffff}) (i32.load8_u (i32.sub (local.get $from) (i32.const ${WINDOW_SIZE})))))))
        (br $positions)))))
    (global.set $stopped (local.get $from))
    (local.get $n))

  ;; The first position in $at + 1 .. $end whose octet differs from the one at $at; $end if none does.
  (func (export "runEnd") (param $at i32) (param $end i32) (result i32)
    (local $octets v128) (local $octet i32)
    (local.set $octet (i32.load8_u (local.get $at)))
    (local.set $octets (i8x16.splat (local.get $octet)))
    (block $differs (loop $vectors
      (br_if $differs (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
      (br_if $differs (i32.eqz (i8x16.all_true (i8x16.eq (v128.load align=1 (local.get $at)) (local.get $octets)))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br $vectors)))
    (block $done (loop $each
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (br_if $done (i32.ne (i32.load8_u (local.get $at)) (local.get $octet)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $each)))
    (local.get $at))

  ;; The first position from $start on after which all octets up to $at are the one at $at.
  (func (export "runStart") (param $at i32) (param $start i32) (result i32)
    (local $octets v128) (local $octet i32)
    (local.set $octet (i32.load8_u (local.get $at)))
    (local.set $octets (i8x16.splat (local.get $octet)))
    (block $differs (loop $vectors
      (br_if $differs (i32.lt_u (local.get $at) (i32.add (local.get $start) (i32.const 16))))
      (br_if $differs (i32.eqz (i8x16.all_true (i8x16.eq (v128.load align=1 (i32.sub (local.get $at) (i32.const 16))) (local.get $octets)))))
      (local.set $at (i32.sub (local.get $at) (i32.const 16)))
      (br $vectors)))
    (block $done (loop $each
      (br_if $done (i32.le_u (local.get $at) (local.get $start)))
      (br_if $done (i32.ne (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (local.get $octet)))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (br $each)))
    (local.get $at))

  ;; Copies octets. (What copies within shared memory for JavaScript does it word by word: 2,100 against 9,000 MB/s.)
  (func (export "copy") (param $to i32) (param $from i32) (param $size i32)
    (memory.copy (local.get $to) (local.get $from) (local.get $size))))
`;
}
