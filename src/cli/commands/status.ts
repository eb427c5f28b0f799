import type { Command } from 'commander';
import type { ClusterStatus } from '../cluster-status';
import { readStatus } from '../cluster-status';
import type { CommandContext } from '../context';
import { ExitCode } from '../exit-codes';
import { formatAge, formatCount } from '../output';

export function addStatusCommand(parent: Command, context: CommandContext): void {
  parent.command('status').summary('show every component, the queue, lag, rates and disk')
    .description(`Shows the state of the whole system. Ends with ${ExitCode.unavailable} when it is not ready.`)
    .option('--json', 'one JSON object: ready, components, queue, journal, lag, rates, audit, disk')
    .action(async (options: { json?: boolean }) => {
      const status = await readStatus(context.services, context.clock.now());
      if (options.json) context.output.json(status);
      else write(context, status, context.clock.now());
      if (!status.ready) context.setExitCode(ExitCode.unavailable);
    });
}

function write(context: CommandContext, status: ClusterStatus, nowMs: number): void {
  const { output } = context;
  const { style } = output;
  output.table([
    ['component', 'member', 'state', 'address', 'pid', ''],
    ...status.components.map((c) => [
      c.kind, c.member, style.good(`${c.state} ${formatAge(nowMs - Date.parse(c.startedAt))}`), c.address, String(c.pid),
      Object.entries(c.facts).map(([key, value]) => fact(key, value)).filter((text) => text !== '').join(' '),
    ]),
  ]);
  output.line();
  const { lag, rates } = status;
  output.line(`queue     ${formatCount(status.queue.depth)} items, ${formatCount(status.queue.dead)} dead letters`);
  output.line(`journal   ${formatCount(status.journal.documents)} blocks with a file not yet closed`);
  output.line(`lag       ${formatCount(lag.lines)} lines in ${formatCount(lag.files)} files, the oldest ${(lag.oldestMs / 1000).toFixed(1)} s`);
  output.line(`rates     ${formatCount(rates.receivedLinesPerSecond)} lines/s received, ${formatCount(rates.indexedLinesPerSecond)} lines/s indexed`);
  output.line(`audit     ${auditLine(status.audit, nowMs)}`);
  if (status.disk.usedFraction !== undefined) output.line(`disk      ${(status.disk.usedFraction * 100).toFixed(0)} % used on the fullest member`);
  output.line();
  output.line(status.ready ? style.good('ready') : style.bad('not ready'));
  for (const problem of status.problems) output.line(style.bad(`  ${problem}`));
}

function auditLine({ finishedMs, findings, repaired, inWork }: ClusterStatus['audit'], nowMs: number): string {
  const last = finishedMs === undefined ? 'no round has ended yet'
    : `ended ${formatAge(nowMs - finishedMs)} ago, ${findings === 0 ? 'nothing was found' : `${formatCount(findings)} findings, ${formatCount(repaired)} repaired`}`;
  const now = inWork === undefined ? '' : `; in work: ${inWork.stage}, ${formatCount(inWork.findings)} findings so far`;
  return `${last}${now}${findings + (inWork?.findings ?? 0) === 0 ? '' : ' (resilog audit show)'}`;
}

/** Facts as people read them; keys that only programs use are left to --json. */
function fact(key: string, value: string | number | boolean): string {
  if (key === 'certificateSha256') return '';
  if (key === 'diskUsedFraction') return `disk=${(Number(value) * 100).toFixed(0)}%`;
  if (key === 'diskFreeBytes') return '';
  return `${key}=${value}`;
}
