import type { Command } from 'commander';
import { runRound } from '../../audit/auditor';
import type { AuditScope } from '../../audit/context';
import type { Finding } from '../../audit/finding';
import { findingsIn, type Report, type Tally } from '../../audit/ports';
import { stagesOf } from '../../audit/stages';
import { NotFoundError, UnavailableError } from '../../errors';
import type { CommandContext } from '../context';
import { ExitCode } from '../exit-codes';
import { formatAge, formatBytes, formatCount } from '../output';
import { parseTime } from '../time';

export function addAuditCommand(parent: Command, context: CommandContext): void {
  const audit = parent.command('audit').summary('check archive, index, queue and journal against one another')
    .description('Checks archive, index, queue and journal against one another. Consumers do so all the time, slowly.');
  addRun(audit, context);
  audit.command('show', { isDefault: true }).summary('show what the last round found')
    .description('Shows the last round over everything, by a consumer or by hand, and how far the present one is.')
    .option('--json', 'one JSON object: last, inWork')
    .action(async (options: { json?: boolean }) => { await show(context, options.json === true); });
}

interface RunOptions {
  readonly repair?: boolean;
  readonly source?: string;
  readonly since?: string;
  readonly fullSpeed?: boolean;
  readonly json?: boolean;
}

function addRun(audit: Command, context: CommandContext): void {
  audit.command('run').summary('do a round now')
    .description('Goes over everything now, and changes nothing unless told to. What looks wrong is looked at again after '
      + `20 s, and only told if it still does. Ends with ${ExitCode.damage} when anything was found, repaired or not.`)
    .option('--repair', 'repair what can be')
    .option('--source <name>', 'only files of this source (not queue and journal)')
    .option('--since <time>', 'only files with lines received since then, e.g. 24h (not queue and journal)')
    .option('--full-speed', 'do not hold back for the sake of others (audit.* of the settings)')
    .option('--json', 'one JSON object a finding, and at the end one of the round')
    .action(async (options: RunOptions) => { await run(context, options); });
}

function scopeOf({ source, since }: RunOptions, nowMs: number): AuditScope | undefined {
  if (source === undefined && since === undefined) return undefined;
  return {
    ...(source === undefined ? {} : { sourceName: source }),
    ...(since === undefined ? {} : { sinceMs: parseTime(since, nowMs) }),
  };
}

async function run(context: CommandContext, options: RunOptions): Promise<void> {
  const { services, clock, random, signal, output } = context;
  const scope = scopeOf(options, clock.now());
  const over = await services.audit({
    fullSpeed: options.fullSpeed === true, signal, ...(scope === undefined ? {} : { scope }),
  });
  const report = await runRound({
    stages: stagesOf(over), clock, random, repair: options.repair === true, signal,
    onFinding: (finding) => {
      if (options.json) output.json(finding);
      else writeFinding(context, finding);
    },
    onProgress: (stage, tally) => {
      output.progress(`${stage}: ${formatCount(tally.files)} files, ${formatBytes(tally.bytes)} read, ${formatCount(findingsIn(tally))} findings`);
    },
  });
  output.progress('');
  if (report === undefined) throw new UnavailableError('the audit was interrupted');
  // Of a part only, it says nothing about the rest.
  if (scope === undefined) await (await services.volumes())[0]?.audits.saveLast(report);
  if (options.json) output.json(report);
  else output.line(summary(report.tally));
  if (findingsIn(report.tally) > 0) context.setExitCode(ExitCode.damage);
}

async function show(context: CommandContext, json: boolean): Promise<void> {
  const { output, services, clock } = context;
  const records = (await services.volumes())[0]?.audits;
  const last = await records?.last();
  const inWork = (await records?.progress())?.progress;
  if (json) {
    output.json({ last: last ?? null, inWork: inWork ?? null });
    return;
  }
  if (last === undefined && inWork === undefined) throw new NotFoundError('no audit was made yet', { remedy: 'consumers make one by themselves; at once: `resilog audit run`' });
  if (last !== undefined) writeReport(context, last, clock.now());
  if (inWork === undefined) return;
  output.line(`A round has gone on for ${formatAge(clock.now() - inWork.startedMs)}, now at ${inWork.stage}: ${summary(inWork.tally)}`);
  for (const finding of inWork.tally.first) writeFinding(context, finding);
}

function writeReport(context: CommandContext, { startedMs, finishedMs, tally }: Report, nowMs: number): void {
  const { output } = context;
  output.line(`The last round ended ${formatAge(nowMs - finishedMs)} ago, after ${formatAge(finishedMs - startedMs)}: ${summary(tally)}`);
  for (const finding of tally.first) writeFinding(context, finding);
  const more = findingsIn(tally) - tally.first.length;
  if (more > 0) output.line(`… and ${formatCount(more)} more.`);
}

function summary(tally: Tally): string {
  const { files, lines, bytes, repaired } = tally;
  const over = `${formatCount(files)} files with ${formatCount(lines)} lines, ${formatBytes(bytes)} read`;
  const found = findingsIn(tally);
  return found === 0 ? `${over}; nothing was found.`
    : `${over}; ${formatCount(found)} findings, ${formatCount(repaired)} repaired.`;
}

function writeFinding({ output }: CommandContext, finding: Finding): void {
  const { style } = output;
  const { kind, repair, detail, remedy } = finding;
  output.line(`${repair === 'done' ? style.good('repaired') : style.bad('damage')} ${kind} ${subjectOf(finding)}: ${detail}`);
  if (repair !== 'done') output.line(style.dim(`  ${remedy}`));
}

function subjectOf({ volume, fileId, lane, item }: Finding): string {
  const named = [
    fileId === undefined ? '' : `file ${fileId}`, lane === undefined ? '' : `lane ${lane}`,
    item === undefined ? '' : `item ${item}`, volume === undefined ? '' : `on ${volume}`,
  ];
  return named.filter((text) => text !== '').join(' ');
}
