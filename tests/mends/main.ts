/**
 * Takes what the program does against a schedule of docs/reliability.md out of a copy of it, and looks whether the test
 * of that schedule fails: `make mends`, or `make mends SCHEDULE=n` for one. Exit code 0 only if every one does.
 */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkout, run } from '../support/checkout';
import { mends, type Mend } from './mends';

/** What is changed, and what a test finds beside itself; everything else is linked. */
const COPIED: ReadonlySet<string> = new Set(['src', 'tests', 'schemas', 'templates', 'package.json', 'tsconfig.json', '.mocharc.cjs']);
/** A change that can't be run says nothing about the test. */
const NOT_OF_THE_TEST = /SyntaxError|ReferenceError|Cannot find module|"(?:before|after)(?: each| all)?" hook/;
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', 'var']);

interface Verdict {
  /** Messages of the tests that failed. */
  readonly failures: readonly string[];
}

interface Report {
  readonly stats: { readonly passes: number };
  readonly failures: readonly {
    readonly fullTitle: string;
    readonly err: { readonly message?: string; readonly stack?: string };
  }[];
}

/** A copy of the checkout whose sources may be spoilt. */
class Copy {
  readonly folder = mkdtempSync(join(tmpdir(), 'resilog-mends-'));

  constructor() {
    for (const name of readdirSync(checkout)) {
      if (LEFT_OUT.has(name)) continue;
      if (COPIED.has(name)) cpSync(join(checkout, name), join(this.folder, name), { recursive: true });
      else symlinkSync(join(checkout, name), join(this.folder, name));
    }
  }

  /** Runs the test of a schedule. Throws when there is no such test, or when it could not begin. */
  async test({ file, test }: Mend): Promise<Verdict> {
    const mocha = join(checkout, 'node_modules', '.bin', 'mocha');
    const { stdout, stderr } = await run(process.execPath, [mocha, file, '--fgrep', test, '--reporter', 'json'], { cwd: this.folder });
    const begin = stdout.indexOf('{\n  "stats"');
    if (begin < 0) throw new Error(`${file} could not be run: ${(stdout + stderr).slice(-2_000)}`);
    const { stats, failures } = JSON.parse(stdout.slice(begin)) as Report;
    if (stats.passes + failures.length === 0) throw new Error(`${file} has no test "${test}"`);
    return { failures: failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.stack ?? err.message ?? ''}`) };
  }

  /** Takes the mend out; the returned function puts it back. */
  spoil({ patches }: Mend): () => void {
    const former = new Map<string, string>();
    for (const { file, from, to } of patches) {
      const path = join(this.folder, 'src', file);
      const source = readFileSync(path, 'utf8');
      if (source.split(from).length !== 2) throw new Error(`src/${file} has not once what is to be taken out: ${from}`);
      if (!former.has(path)) former.set(path, source);
      writeFileSync(path, source.replace(from, () => to));
    }
    return () => { for (const [path, source] of former) writeFileSync(path, source); };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What is wrong with the test of this schedule; undefined: it fails without the mend, and passes with it. */
async function problemOf(copy: Copy, mend: Mend): Promise<string | undefined> {
  const whole = await copy.test(mend);
  if (whole.failures.length > 0) return `it fails with the mend, too: ${whole.failures[0] ?? ''}`;
  const restore = copy.spoil(mend);
  try {
    const { failures } = await copy.test(mend);
    const unrelated = failures.find((failure) => NOT_OF_THE_TEST.test(failure));
    if (unrelated !== undefined) return `the change can't be run: ${unrelated}`;
    return failures.length > 0 ? undefined : 'it passes without the mend';
  } finally {
    restore();
  }
}

async function main(): Promise<void> {
  const only = process.argv[2];
  const chosen = mends.filter(({ schedule }) => only === undefined || String(schedule) === only);
  if (chosen.length === 0) {
    process.stderr.write(`mends: schedule "${only ?? ''}" is not one of ${mends.map(({ schedule }) => schedule).join(', ')}\n`);
    process.exitCode = 64;
    return;
  }
  const copy = new Copy();
  process.once('SIGINT', () => {
    copy.remove();
    process.exit(130);
  });
  let noticed = 0;
  try {
    for (const mend of chosen) {
      const problem = await problemOf(copy, mend);
      if (problem === undefined) noticed += 1;
      const verdict = problem === undefined ? 'noticed' : `NOT NOTICED: ${problem}`;
      process.stdout.write(`schedule ${String(mend.schedule).padStart(2)}  ${mend.mend}: ${verdict}\n`);
    }
  } finally {
    copy.remove();
  }
  process.stdout.write(`${noticed} of ${chosen.length} mends are noticed when they are taken out\n`);
  process.exitCode = noticed === chosen.length ? 0 : 1;
}

void main();
