import { LANES, RATE } from './keccak-rounds.ts';

// The common part of both native kernels. Several messages are hashed side by side; when one ends, the next takes its side. It is
// one function of the System V calling convention, in the syntax of GNU as:
//
//   void hash(const void *base, const uint32_t jobs[][3], size_t count, void *digests, void *scratch)
//
// A job is a message: its offset from base, its bytes, and the number of its digest, each in 32 bits. The code calls
// nothing outside itself. It reads the messages and the jobs, and writes digests, its scratch memory and its stack.

/** A kernel for one kind of vectors. */
export interface VectorKernel {
  /** Messages side by side: words of 64 bits in a vector. */
  readonly sides: number;
  /** Bytes of scratch memory for the states, from its start. The first {@link LANES} vectors are the states between two steps. */
  readonly statesSize: number;
  /** Code that runs once, at the start. It may use rax. */
  readonly prepare: readonly string[];
  /**
   * Code that absorbs r11 blocks (1 or more) of the messages at {@link POINTERS}, and advances these. It may change rbp and r11.
   * The states are in the scratch memory before and after.
   */
  readonly absorb: readonly string[];
  /** Constants, after the code. */
  readonly data: readonly string[];
}

/** Vectors are at multiples of their size. */
const ALIGNMENT = 64;

/** Registers with the addresses of the messages in `absorb`, one for each side. */
export const POINTERS = ['rax', 'rcx', 'rdx', 'rsi', 'rdi', 'r8', 'r9', 'r10'] as const;

/** The register with the address of the scratch memory, in all of the code. */
export const SCRATCH = 'rbx';

// Registers that keep their values in all of the code.
const NEXT_JOB = 'r12';
const END_OF_JOBS = 'r13';
const BASE = 'r14';
const DIGESTS = 'r15';
const KEPT = ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15'] as const;

/** Places in the scratch memory: last blocks with their padding, and four words for each side. */
function layout({ sides, statesSize }: VectorKernel) {
  const pads = statesSize;
  const at = pads + sides * RATE;
  const word = sides * 8;
  return { pads, at, blocks: at + word, last: at + 2 * word, digest: at + 3 * word, steps: at + 4 * word };
}

/** Bytes of scratch memory that a kernel needs, wherever it begins. */
export function scratchSize(kernel: VectorKernel): number {
  return layout(kernel).steps + 8 + ALIGNMENT - 1;
}

function word(offset: number, side: number | string): string {
  return typeof side === 'number' ? `[${SCRATCH} + ${offset + 8 * side}]` : `[${SCRATCH} + ${side} * 8 + ${offset}]`;
}

/** The text of a kernel, for GNU as. */
export function nativeKernel(kernel: VectorKernel): string {
  const lines = [
    '.intel_syntax noprefix',
    '.text',
    'hash:',
    'endbr64',
    ...KEPT.map((register) => `push ${register}`),
    `mov ${BASE}, rdi`,
    `mov ${NEXT_JOB}, rsi`,
    'lea rdx, [rdx + rdx * 2]',
    `lea ${END_OF_JOBS}, [rsi + rdx * 4]`,
    `mov ${DIGESTS}, rcx`,
    `lea ${SCRATCH}, [r8 + ${ALIGNMENT - 1}]`,
    `and ${SCRATCH}, -${ALIGNMENT}`,
    ...kernel.prepare,
    'xor ebp, ebp',
    'first:',
    'mov eax, ebp',
    'call begin',
    'inc ebp',
    `cmp ebp, ${kernel.sides}`,
    'jb first',
    ...step(kernel),
    ...begin(kernel),
    ...kernel.data,
  ];
  return `${lines.join('\n')}\n`;
}

/** Absorbs as many blocks as the shortest message has. Then sides whose message has ended get the next one. */
function step(kernel: VectorKernel): string[] {
  const { sides } = kernel;
  const { at, blocks, last, digest, steps } = layout(kernel);
  const all = Array.from({ length: sides }, (_, side) => side);
  return [
    'step:',
    // A side without a message counts more blocks than any other.
    'mov r11, -1',
    ...all.flatMap((side) => [`mov rax, ${word(blocks, side)}`, 'cmp rax, r11', 'cmovb r11, rax']),
    'cmp r11, -1',
    'je done',
    `mov ${word(steps, 0)}, r11`,
    // It reads the message of a side that has one.
    ...all.flatMap((side) => [`cmp qword ptr ${word(digest, side)}, 0`, `cmovne rbp, ${word(at, side)}`]),
    ...all.flatMap((side) => [
      `mov ${POINTERS[side]}, ${word(at, side)}`,
      `cmp qword ptr ${word(digest, side)}, 0`,
      `cmove ${POINTERS[side]}, rbp`,
    ]),
    ...kernel.absorb,
    ...all.map((side) => `mov ${word(at, side)}, ${POINTERS[side]}`),
    'xor ebp, ebp',
    'advance:',
    `cmp qword ptr ${word(digest, 'rbp')}, 0`,
    'je advanced',
    `mov rdx, ${word(steps, 0)}`,
    `sub ${word(blocks, 'rbp')}, rdx`,
    'jnz advanced',
    `mov rax, ${word(last, 'rbp')}`,
    'test rax, rax',
    'jz finish',
    `mov ${word(at, 'rbp')}, rax`,
    `mov qword ptr ${word(blocks, 'rbp')}, 1`,
    `mov qword ptr ${word(last, 'rbp')}, 0`,
    'jmp advanced',
    'finish:',
    `mov rdi, ${word(digest, 'rbp')}`,
    ...[0, 1, 2, 3].flatMap((lane) => [`mov rax, ${word(lane * sides * 8, 'rbp')}`, `mov [rdi + ${8 * lane}], rax`]),
    'mov eax, ebp',
    'call begin',
    'advanced:',
    'inc ebp',
    `cmp ebp, ${sides}`,
    'jb advance',
    'jmp step',
    'done:',
    'vzeroupper',
    ...[...KEPT].reverse().map((register) => `pop ${register}`),
    'ret',
  ];
}

/** Puts the next message, if there is one, on side rax: clears its states and makes its last block. It changes no kept register but the next job. */
function begin(kernel: VectorKernel): string[] {
  const { sides } = kernel;
  const { pads, at, blocks, last, digest } = layout(kernel);
  return [
    'begin:',
    `cmp ${NEXT_JOB}, ${END_OF_JOBS}`,
    'je idle',
    `mov ecx, [${NEXT_JOB}]`,
    `add rcx, ${BASE}`,
    `mov esi, [${NEXT_JOB} + 4]`,
    `mov edx, [${NEXT_JOB} + 8]`,
    `add ${NEXT_JOB}, 12`,
    'shl rdx, 5',
    `add rdx, ${DIGESTS}`,
    `mov ${word(digest, 'rax')}, rdx`,
    'mov r9, rax',
    `imul r11, rax, ${RATE}`,
    `lea r11, [${SCRATCH} + r11 + ${pads}]`,
    'xor eax, eax',
    ...Array.from({ length: LANES }, (_, lane) => `mov ${word(lane * sides * 8, 'r9')}, rax`),
    ...Array.from({ length: RATE / 8 }, (_, index) => `mov [r11 + ${8 * index}], rax`),
    // Whole blocks to rax, the bytes after them to rdx.
    'mov eax, esi',
    'xor edx, edx',
    `mov r10d, ${RATE}`,
    'div r10d',
    'mov r10, rcx',
    `imul rsi, rax, ${RATE}`,
    'add rsi, rcx',
    'mov rdi, r11',
    'mov ecx, edx',
    'rep movsb',
    // The suffix 01 of SHA-3, and the padding 10*1. @see FIPS 202, B.2
    'mov byte ptr [rdi], 0x06',
    `or byte ptr [r11 + ${RATE - 1}], 0x80`,
    'test eax, eax',
    'jz short_message',
    `mov ${word(at, 'r9')}, r10`,
    `mov ${word(blocks, 'r9')}, rax`,
    `mov ${word(last, 'r9')}, r11`,
    'ret',
    'short_message:',
    `mov ${word(at, 'r9')}, r11`,
    `mov qword ptr ${word(blocks, 'r9')}, 1`,
    `mov qword ptr ${word(last, 'r9')}, rax`,
    'ret',
    'idle:',
    `mov qword ptr ${word(digest, 'rax')}, 0`,
    `mov qword ptr ${word(blocks, 'rax')}, -1`,
    'ret',
  ];
}
