// All checks: lint, types, then each folder of tests, over one shared set of real servers; beside them, the short form
// of the SlapOS tests, most of which is waiting. End-to-end tests, which look at the time, have the machine alone.
// Ends with "N passed, N failed" and with 1 if anything failed. Arguments name suites to run instead of all.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const SUITES = ['unit', 'simulation', 'conformance', 'integration', 'end-to-end'];
/** Runs beside the suites up to this one. */
const BESIDE = {
  name: 'slapos, short form', until: 'end-to-end',
  mocha: ['tests/slapos/cluster.test.ts', '--fgrep', '(long)', '--invert'],
};
/** What is timed gets the processors first. */
const NICENESS = 10;
/** Characters of a suite's failures that are said again at the end. */
const DETAILS = 4_000;
const SUITES_ON_SERVERS = new Set(['conformance', 'integration']);
const checkout = join(import.meta.dirname, '..');
const mocha = join(checkout, 'node_modules', '.bin', 'mocha');
// The checkout's own Node, whatever this was started with.
process.env.PATH = `${join(checkout, 'parts', 'node', 'bin')}:${process.env.PATH}`;
const total = { passed: 0, failed: 0 };
/** What failed, said once more at the end, where a log's reader looks first. */
const failures = [];

/** Runs a command, shows its output (at once, or when it is over), and returns its exit code and what it wrote. */
function run(title, command, args, environment = {}, atOnce = true) {
  const begin = Date.now();
  if (atOnce) process.stdout.write(`\n== ${title}\n`);
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, {
      cwd: checkout, env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.on('data', (data) => {
      if (atOnce) process.stdout.write(data);
      output += data;
    });
    child.on('error', (error) => {
      process.stdout.write(`${error.message}\n`);
      resolve({ code: 127, output });
    });
    child.on('close', (code) => {
      if (!atOnce) process.stdout.write(`\n== ${title}\n${output}`);
      process.stdout.write(`== ${title}: ${((Date.now() - begin) / 1000).toFixed(1)} s\n`);
      resolve({ code, output });
    });
  });
}

async function check(title, script) {
  const { code } = await run(title, 'npm', ['run', '--silent', script]);
  total[code === 0 ? 'passed' : 'failed'] += 1;
  if (code !== 0) failures.push(title);
}

const isEmpty = (suite) => {
  const folder = join(checkout, 'tests', suite);
  return !readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith('.test.ts'));
};

async function runSuite(suite, environment) {
  if (isEmpty(suite)) {
    process.stdout.write(`\n== ${suite}: no tests\n`);
    total.failed += 1;
    failures.push(`${suite}: no tests`);
    return;
  }
  count(suite, await run(suite, mocha, [`tests/${suite}/**/*.test.ts`], environment));
}

async function runBeside() {
  count(BESIDE.name, await run(BESIDE.name, 'nice', ['-n', String(NICENESS), mocha, ...BESIDE.mocha], {}, false));
}

/** Adds what mocha says to the total. */
function count(suite, { code, output }) {
  const number = (word) => Number(new RegExp(`^\\s*(\\d+) ${word}`, 'm').exec(output)?.[1] ?? 0);
  // A test that did not run proves nothing.
  const failed = number('failing') + number('pending');
  total.passed += number('passing');
  total.failed += failed === 0 && code !== 0 ? 1 : failed;
  if (code === 0 && failed === 0) return;
  const summary = output.slice(output.search(/^\s*\d+ (?:failing|pending)/m));
  failures.push(`${suite}: exit code ${code}\n${summary.slice(0, DETAILS)}`);
}

/** Starts the servers that conformance and integration tests share; returns how to stop them. */
async function startServers() {
  const require = createRequire(import.meta.url);
  process.env.TS_NODE_TRANSPILE_ONLY = 'true';
  require('ts-node/register');
  const { servers, stopServers } = require('../tests/support/servers');
  process.stdout.write('\n== starting MongoDB, ZooKeeper and Solr\n');
  const folder = mkdtempSync(join(tmpdir(), 'resilog-servers-'));
  const file = join(folder, 'servers.json');
  writeFileSync(file, JSON.stringify(await servers()));
  return {
    environment: { RESILOG_TEST_SERVERS: file },
    stop: async () => {
      await stopServers();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const suites = process.argv.length > 2 ? process.argv.slice(2) : SUITES;
let beside = Promise.resolve();
if (process.argv.length <= 2) {
  beside = runBeside();
  await check('lint', 'lint');
  await check('type check', 'typecheck');
}
let shared = { environment: {}, stop: async () => undefined };
try {
  for (const suite of suites) {
    if (SUITES_ON_SERVERS.has(suite) && shared.environment.RESILOG_TEST_SERVERS === undefined) {
      shared = await startServers();
    } else if (!SUITES_ON_SERVERS.has(suite)) {
      // End-to-end tests have clusters of their own and need the memory.
      await shared.stop();
      shared = { environment: {}, stop: async () => undefined };
    }
    if (suite === BESIDE.until) await beside;
    await runSuite(suite, shared.environment);
  }
} catch (error) {
  process.stdout.write(`${error.stack ?? error}\n`);
  total.failed += 1;
  failures.push(String(error));
} finally {
  await beside;
  await shared.stop();
}
for (const failure of failures) process.stdout.write(`\nFAILED ${failure.trimEnd()}\n`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
