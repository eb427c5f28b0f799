import { createHash, X509Certificate } from 'node:crypto';
import { Registry } from 'prom-client';
import { buildBlock } from '../archive/block-format';
import type { Clock } from '../clock';
import { ConfigurationError } from '../errors';
import type { Log } from '../log';
import { exposeDefinitions } from '../normaliser/metrics';
import { ownCertificate, readTlsFiles, type TlsFiles } from '../producer/certificate';
import { createProducer, type Producer } from '../producer/producer';
import { createQueueProducer } from '../queue/queue-producer';
import type { Random } from '../random';
import { WatchedKeyDirectory } from '../registry/key-directory';
import { MembersWatch } from '../registry/presence';
import { Adapters } from './adapters';
import { Closers } from './closers';
import { formatAddress, type ProcessConfiguration } from './configuration';
import { keepDefinitions, loadDefinitions } from './definitions';
import type { Service } from './lifecycle';
import { LiveDefinitions } from './live-definitions';
import { publishOwnPresence } from './own-presence';
import { RateMeter } from './rate-meter';
import { createRecovery } from './recovery';

/** Bodies in work have most of a producer's memory; closing has to do with so much. */
const CLOSING_BYTES = 24 * 1024 * 1024;

export interface ProcessOptions {
  readonly configuration: ProcessConfiguration;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** `resilog producer`: takes lines, keeps them, closes files; recovers what others left. */
export function createProducerProcess(options: ProcessOptions): Service {
  const { configuration, clock, random, log } = options;
  const { address, data, member } = configuration;
  if (address === undefined || data === undefined) {
    throw new ConfigurationError(`${configuration.file}: a producer needs "address" and "data"`);
  }
  const adapters = new Adapters(options);
  const stopping = new AbortController();
  const closers = new Closers({ clock, log });
  closers.add('connections', () => adapters.close());

  const start = async (): Promise<void> => {
    const tls = configuration.tls === undefined
      ? await ownCertificate({ folder: data, addresses: [address], clock, random }) : readTlsFiles(configuration.tls);
    const coordination = adapters.coordination();
    const settings = await adapters.eventually('the registry', stopping.signal, () => adapters.settings());
    const volumes = await adapters.eventually('the registry', stopping.signal, () => adapters.volumes());
    const program = await loadDefinitions(configuration.pylogsparser);
    await adapters.eventually('MongoDB', stopping.signal, async () => {
      for (const volume of volumes) await volume.prepare();
      await keepDefinitions(program, volumes);
    });
    const definitions = await adapters.eventually('the definitions in force', stopping.signal, () => (
      LiveDefinitions.open({ coordination, volumes, program, clock, log }, stopping.signal)));
    closers.add('definitions', () => definitions.close());
    const keys = new WatchedKeyDirectory({
      coordination, clock, log, graceSeconds: () => settings.current.intake.graceSeconds,
    });
    closers.add('keys', () => { keys.close(); });
    const mongodbMembers = new MembersWatch(coordination, 'MongoDB');
    closers.add('members', () => { mongodbMembers.close(); });
    const queue = createQueueProducer({ coordination, clock, random });
    const recovery = createRecovery({
      ...options, coordination, settings, volumes, queue, definitions, closingBytes: CLOSING_BYTES,
    });
    closers.add('recovery', () => recovery.close());
    const metrics = new Registry();
    exposeDefinitions(metrics, () => definitions.current.version);
    const producer = createProducer({
      listen: { host: address, port: configuration.port ?? 0 }, tls, member: member ?? 'producer',
      volumes, coordination, keys, settings, queue, buildBlock, closeFiles: recovery.closeFiles,
      storage: () => ({ usedFraction: fullest(mongodbMembers) }),
      onSourceRemoved: (callback) => keys.onSourceRemoved(callback),
      clock, random, log, metrics,
    });
    closers.add('producer', (deadlineMs) => producer.close(deadlineMs));
    await producer.start();
    if (stopping.signal.aborted) return;
    recovery.start();
    const presence = present(options, adapters, producer, metrics, tls);
    closers.add('presence', () => presence.close());
  };

  return {
    start,
    close: async (deadlineMs) => {
      stopping.abort();
      await closers.close(deadlineMs);
    },
  };
}

function present(
  options: ProcessOptions, adapters: Adapters, producer: Producer, metrics: Registry, tls: TlsFiles,
): { close(): Promise<void> } {
  const { configuration, clock, log } = options;
  const { host, port } = producer.address ?? { host: '', port: 0 };
  const rate = new RateMeter(clock);
  let lines = 0;
  const counted = async (): Promise<void> => {
    const metric = await metrics.getSingleMetric('resilog_producer_lines_total')?.get();
    lines = metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0;
  };
  return publishOwnPresence({
    coordination: adapters.coordination(), clock, log, kind: 'Producer',
    member: configuration.member ?? `producer-${port}`, address: formatAddress(host, port),
    unready: () => producer.unready(),
    facts: () => {
      void counted();
      return { linesPerSecond: rate.read(lines), certificateSha256: fingerprintOf(tls) };
    },
  });
}

/** Hex SHA-256 of the certificate (DER), by which clients of this cluster know the producer. */
function fingerprintOf(tls: TlsFiles): string {
  return createHash('sha256').update(new X509Certificate(tls.certificate).raw).digest('hex');
}

/** Share in use of the fullest disk that a member of MongoDB's reports; 0 while nobody reported. */
function fullest(members: MembersWatch): number {
  return Math.max(0, ...members.current.map(({ facts }) => Number(facts?.diskUsedFraction ?? 0)));
}

