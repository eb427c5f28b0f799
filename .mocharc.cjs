'use strict';
// Tests run from TypeScript sources; the type check is a step of its own (npm run typecheck).
process.env.TS_NODE_TRANSPILE_ONLY ??= 'true';
process.env.TS_NODE_PROJECT ??= 'tsconfig.json';
// No `spec`: mocha adds it to the files that are named, so that a single test could not be run alone.
module.exports = {
  require: ['ts-node/register', './tests/support/hooks.ts'],
  extension: ['ts'],
  timeout: 30_000,
  forbidOnly: true,
  forbidPending: true,
};
