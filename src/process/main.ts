import { addAuditCommand } from '../cli/commands/audit';
import { addConfigCommand } from '../cli/commands/config';
import { addDeleteCommand } from '../cli/commands/delete';
import { addFileCommand } from '../cli/commands/file';
import { addNormalizerCommand } from '../cli/commands/normalizer';
import { addQueueCommand } from '../cli/commands/queue';
import { addSearchCommand } from '../cli/commands/search';
import { addSendCommand } from '../cli/commands/send';
import { addSetAsideCommand } from '../cli/commands/set-aside';
import { addShowCommand } from '../cli/commands/show';
import { addSourceCommand } from '../cli/commands/source';
import { addStatusCommand } from '../cli/commands/status';
import { addWaitCommand } from '../cli/commands/wait';
import type { AddCommand, CommandContext } from '../cli/context';
import { createOutput } from '../cli/output';
import { createProgram, runProgram } from '../cli/program';
import { systemClock } from '../clock';
import { systemRandom } from '../random';
import { programFolder } from '../schemas';
import { addCertificateCommand } from './commands/certificate';
import { addInitCommand } from './commands/init';
import { addLaunchCommand } from './commands/launch';
import { addMembersCommand } from './commands/members';
import { addProcessCommands } from './commands/processes';
import { addReplicaSetCommand } from './commands/replica-set';
import { addSolrCommand } from './commands/solr';
import { addTurnCommand } from './commands/turn';
import { addZooKeeperCommand } from './commands/zookeeper';
import { findConfiguration, readConfiguration } from './configuration';
import { ConnectedServices } from './services';
import { programVersion } from './version';

/** Every command, in the order of help. */
export const commands: readonly AddCommand[] = [
  addStatusCommand, addSourceCommand, addSendCommand, addSearchCommand, addShowCommand, addDeleteCommand,
  addWaitCommand, addNormalizerCommand, addFileCommand, addQueueCommand, addSetAsideCommand, addAuditCommand,
  addConfigCommand, addInitCommand, addReplicaSetCommand, addMembersCommand, addSolrCommand, addZooKeeperCommand,
  addCertificateCommand, addProcessCommands, addLaunchCommand, addTurnCommand,
];

/** Entry of bin/resilog: the only place that ends the process. */
export async function main(argv: readonly string[]): Promise<void> {
  const interrupt = new AbortController();
  const output = createOutput({ stdout: process.stdout, stderr: process.stderr, environment: process.env });
  let exitCode = 0;
  const services = new ConnectedServices({
    clock: systemClock,
    random: systemRandom,
    configuration: () => {
      const named = program.opts<{ config?: string }>().config;
      return readConfiguration(named ?? findConfiguration(process.env, programFolder));
    },
  });
  const context: CommandContext = {
    output, clock: systemClock, random: systemRandom, services, signal: interrupt.signal,
    setExitCode: (code) => { exitCode = code; },
  };
  const program = createProgram(programVersion(), commands, context);
  // A reader that closes its end, such as head, is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => { process.exit(error.code === 'EPIPE' ? 0 : 74); });
  process.once('SIGINT', () => {
    interrupt.abort();
    // A second one ends at once.
    process.once('SIGINT', () => { process.exit(130); });
  });
  const code = await runProgram(program, argv, output);
  await services.close();
  process.exitCode = code === 0 ? exitCode : code;
  // What a library left open must not keep a finished command alive.
  await new Promise((resolve) => { process.stdout.write('', resolve); });
  process.exit();
}

if (require.main === module) void main(process.argv.slice(2));
