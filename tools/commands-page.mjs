// Writes docs/commands.md from the help of every command.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';

const checkout = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
process.env.TS_NODE_TRANSPILE_ONLY = 'true';
require('ts-node/register');
const { commandsPage } = require('../src/cli/commands-page');
const { createProgram } = require('../src/cli/program');
const { commands } = require('../src/process/main');
writeFileSync(join(checkout, 'docs', 'commands.md'), commandsPage(createProgram('', commands, {})));
