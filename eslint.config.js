import tseslint from 'typescript-eslint';

// Biome does formatting, style and layers. ESLint is here for the rules that need types (no promise floats), and for what must not overflow the stack.
export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**'] },
  {
    files: ['{core,fuse,commands,shell,scripts,test}/**/*.ts'],
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] }] },
      ],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
    },
  },
  {
    files: ['{core,fuse,commands,shell}/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: ':matches(CallExpression, NewExpression) > SpreadElement',
          message: 'A list that is spread into a call overflows the stack where it is long: appendAll, largestOf (core/base/lists.ts).',
        },
        {
          selector: 'CallExpression[callee.property.type="Identifier"][callee.property.name="apply"]',
          message: 'apply() with a long list overflows the stack: appendAll, largestOf (core/base/lists.ts).',
        },
      ],
    },
  },
);
