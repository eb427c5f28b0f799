import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';

const adapters = [
  '**/mongodb-*', '**/zookeeper-*', '**/solr-*', '**/memory-*', 'mongodb', 'node-zookeeper-client', 'undici',
];

export default tseslint.config(
  { ignores: ['dist/**', 'parts/**', 'node_modules/**', 'var/**', 'eggs/**', '**/*.cjs', '**/*.mjs'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-restricted-syntax': ['error',
        { selector: 'TSEnumDeclaration', message: 'Use an `as const` object.' },
        { selector: 'ExportDefaultDeclaration', message: 'Use named exports.' }],
      'import-x/no-cycle': ['error', { maxDepth: 12 }],
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-len': ['error', { code: 120, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    // The core speaks to ports; only adapters and the wiring in process/ know a connection.
    files: ['src/**/*.ts'],
    ignores: ['src/process/**', 'src/**/mongodb-*.ts', 'src/**/zookeeper-*.ts', 'src/**/solr-*.ts', 'src/**/memory-*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: adapters }] },
  },
  {
    // The clock and random source are injected everywhere, so that a simulator can own them.
    files: ['src/**/*.ts'],
    ignores: ['src/clock.ts', 'src/random.ts'],
    rules: {
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'setImmediate'],
      'no-restricted-properties': ['error',
        { object: 'Date', property: 'now', message: 'Use the injected Clock.' },
        { object: 'Math', property: 'random', message: 'Use the injected Random.' },
        { object: 'performance', property: 'now', message: 'Use the injected Clock.' }],
    },
  },
  {
    files: ['tests/**/*.ts', 'benchmarks/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
    },
  },
);
