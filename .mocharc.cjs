'use strict';
// Tests run from TypeScript sources; the type check is a step of its own (npm run typecheck).
process.env.TS_NODE_TRANSPILE_ONLY ??= 'true';
process.env.TS_NODE_PROJECT ??= 'tsconfig.json';
module.exports = {
  require: ['ts-node/register'],
  extension: ['ts'],
  spec: ['tests/unit/**/*.test.ts'],
  timeout: 10_000,
  forbidOnly: true,
  forbidPending: true,
};
