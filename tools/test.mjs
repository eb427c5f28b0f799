// All checks: lint, types, then each folder of tests, over one shared set of real servers; beside them, the short form
// of the SlapOS tests, most of which is waiting. What looks at the time runs beside few others.
// Ends with "N passed, N failed" and with 1 if anything failed. Arguments name suites to run instead of all. Who is told to
// stop, or has no time left, ends what runs, and says what failed till then and what did not run.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const SUITES = ['unit', 'simulation', 'conformance', 'integration', 'end-to-end', 'chaos'];
/** Runs beside the suites up to this one. */
const BESIDE = {
  name: 'slapos, short form', until: 'end-to-end',
  mocha: ['tests/slapos/cluster.test.ts', '--fgrep', '(long)', '--invert'],
};
/** What is timed gets the processors first. */
const NICENESS = 10;
/** Characters of a suite's failures that are said again at the end. */
const DETAILS = 4_000;
/** What has not ended by then does not run: a whole run takes about 30 minutes. */
const LIMIT_MS = 80 * 60_000;
/** Until what was told to stop is ended with all that it started. */
const STOP_MS = 30_000;
/** Files of a suite at once: most of what integration tests do is waiting, and unit tests keep one processor busy. */
const JOBS = { unit: 2, conformance: 2, integration: 3 };
/**
 * Stages of rows of files: rows run at once. Those on a shared cluster beside those with clusters of their own; what
 * keeps every processor busy comes alone.
 */
const STAGES = {
  'end-to-end': [
    [
      ['access', 'audit', 'presence', 'producers', 'normalizer', 'send', 'failures', 'deletion', 'consumers'],
      ['command-line', 'ipv6-only', 'outages'],
    ],
    [['exactly-once']],
  ],
};
const SUITES_ON_SERVERS = new Set(['conformance', 'integration']);
const checkout = join(import.meta.dirname, '..');
const mocha = join(checkout, 'node_modules', '.bin', 'mocha');
// The checkout's own Node, whatever this was started with.
process.env.PATH = `${join(checkout, 'parts', 'node', 'bin')}:${process.env.PATH}`;
const total = { passed: 0, failed: 0 };
/** What failed, said once more at the end, where a log's reader looks first. */
const failures = [];
const durations = [];
const running = new Set();
let stopped;

/** Ends what runs, each with all the processes that it started; nothing else begins. */
function stop(reason) {
  if (stopped !== undefined) return;
  stopped = reason;
  process.stdout.write(`\n== stopping: ${reason}\n`);
  // mocha says what failed till then.
  for (const child of running) child.kill('SIGINT');
  setTimeout(() => {
    for (const { pid } of running) process.kill(-pid, 'SIGKILL');
  }, STOP_MS).unref();
}

process.on('SIGINT', () => { stop('interrupted'); });
process.on('SIGTERM', () => { stop('terminated'); });
setTimeout(() => { stop(`the ${LIMIT_MS / 60_000} minutes are over`); }, LIMIT_MS).unref();

/** Runs a command, shows its output (at once, or when it is over), and returns its exit code and what it wrote. */
function run(title, command, args, environment = {}, atOnce = true) {
  const begin = Date.now();
  if (stopped !== undefined) return Promise.resolve({ code: null, output: 'did not run' });
  if (atOnce) process.stdout.write(`\n== ${title}\n`);
  return new Promise((resolve) => {
    let output = '';
    // A group of its own, so that all of it can be ended.
    const child = spawn(command, args, {
      cwd: checkout, env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'inherit'], detached: true,
    });
    running.add(child);
    child.stdout.on('data', (data) => {
      if (atOnce) process.stdout.write(data);
      output += data;
    });
    child.on('error', (error) => {
      running.delete(child);
      process.stdout.write(`${error.message}\n`);
      resolve({ code: 127, output });
    });
    child.on('close', (code) => {
      running.delete(child);
      if (!atOnce) process.stdout.write(`\n== ${title}\n${output}`);
      const seconds = `${((Date.now() - begin) / 1000).toFixed(1)} s`;
      durations.push(`${title} ${seconds}`);
      process.stdout.write(`== ${title}: ${seconds}\n`);
      resolve({ code, output });
    });
  });
}

async function check(title, script) {
  const { code } = await run(title, 'npm', ['run', '--silent', script]);
  total[code === 0 ? 'passed' : 'failed'] += 1;
  if (code !== 0) failures.push(title);
}

const testsOf = (suite) => readdirSync(join(checkout, 'tests', suite), { recursive: true }).map(String)
  .filter((name) => name.endsWith('.test.ts'));

async function runSuite(suite, environment) {
  if (testsOf(suite).length === 0) {
    process.stdout.write(`\n== ${suite}: no tests\n`);
    total.failed += 1;
    failures.push(`${suite}: no tests`);
    return;
  }
  const parallel = JOBS[suite] === undefined ? [] : ['--parallel', '--jobs', String(JOBS[suite])];
  for (const [stage, rows] of stagesOf(suite).entries()) {
    await Promise.all(rows.map(async (files, row) => {
      const title = STAGES[suite] === undefined ? suite : `${suite} ${stage + 1}.${row + 1}`;
      count(title, await run(title, mocha, [...files, ...parallel], environment, row === 0));
    }));
  }
}

/** A file that no row names comes in the last stage. */
function stagesOf(suite) {
  const stages = STAGES[suite];
  if (stages === undefined) return [[[`tests/${suite}/**/*.test.ts`]]];
  const named = stages.map((rows) => rows.map((names) => names.map((name) => `${name}.test.ts`)));
  named.at(-1)[0].push(...testsOf(suite).filter((file) => !named.flat(2).includes(file)));
  return named.map((rows) => rows.map((files) => files.map((file) => `tests/${suite}/${file}`)));
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
  // Nor does a suite that says nothing of its tests, as one that was stopped.
  const isWhole = code === 0 && number('passing') > 0;
  total.failed += failed === 0 && !isWhole ? 1 : failed;
  if (isWhole && failed === 0) return;
  const at = output.search(/^\s*\d+ (?:failing|pending)/m);
  const summary = output.slice(at < 0 ? -DETAILS : at);
  failures.push(`${suite}: ${stopped ?? `exit code ${code}`}\n${summary.slice(0, DETAILS)}`);
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
process.stdout.write(`\n== durations: ${durations.join(', ')}\n`);
for (const failure of failures) process.stdout.write(`\nFAILED ${failure.trimEnd()}\n`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
