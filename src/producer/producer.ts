import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import type { Volume } from '../archive/volume';
import type { Clock } from '../clock';
import { ConfigurationError, messageOf } from '../errors';
import type { Log } from '../log';
import type { QueueProducer } from '../queue/ports';
import type { Random } from '../random';
import type { Coordination } from '../registry/coordination';
import type { KeyDirectory } from '../registry/ports';
import type { SettingsWatcher } from '../registry/settings';
import { Authentication } from './authentication';
import { BackPressure } from './back-pressure';
import { Intake } from './intake';
import { Lanes } from './lanes';
import { MemoryBudget } from './body-budget';
import { createMetrics } from './metrics';
import type { BuildBlock, CloseFiles } from './ports';
import { Quotas } from './quotas';
import { createReceptionGarbage } from './reception-garbage';
import { createApplication } from './routes';
import { createHttpsServer } from './server';

export interface ProducerDependencies {
  /** Where to listen; port 0 takes a free one. Without brackets. */
  readonly listen: { readonly host: string; readonly port: number };
  /** PEM. */
  readonly tls: { readonly certificate: string; readonly key: string };
  /** Name of this member, shown beside its incarnation. */
  readonly member: string;
  readonly volumes: readonly Volume[];
  readonly coordination: Coordination;
  readonly keys: KeyDirectory;
  readonly settings: SettingsWatcher;
  readonly queue: QueueProducer;
  readonly buildBlock: BuildBlock;
  readonly closeFiles: CloseFiles;
  /** Share of the fullest MongoDB disk in use. */
  readonly storage: () => { readonly usedFraction: number };
  /** Calls back with the id of each source that is removed; returns how to stop that. */
  readonly onSourceRemoved?: (callback: (sourceId: string) => void) => () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: Registry;
}

export interface Producer {
  /** Resolves when the server listens; lines are taken as soon as /readyz says so. */
  start(): Promise<void>;
  /**
   * Graceful stop: /readyz turns 503, no new connections, requests in work are finished, files closed, lanes sealed,
   * the incarnation removed. What is not done within the deadline is left to the recoverer. Idempotent.
   */
  close(deadlineMs: number): Promise<void>;
  /** Set once `start` has resolved. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
  /** Why lines are not taken at this moment; empty when they are. */
  unready(): readonly string[];
}

/** Builds a producer from its ports; whoever calls this owns the adapters and closes them afterwards. */
export function createProducer(dependencies: ProducerDependencies): Producer {
  const { clock, log, listen } = dependencies;
  const parts = assemble(dependencies);
  const { lanes, backPressure, server } = parts;
  let address: Producer['address'];
  let closing: Promise<void> | undefined;
  let stopListening = (): void => undefined;
  return {
    start: async () => {
      backPressure.start();
      lanes.start();
      stopListening = dependencies.onSourceRemoved?.((sourceId) => { lanes.endSource(sourceId); }) ?? stopListening;
      await new Promise<void>((resolve, reject) => {
        server.once('error', (error) => {
          reject(new ConfigurationError(`can't listen on [${listen.host}]:${listen.port}: ${messageOf(error)}`, { cause: error }));
        });
        server.listen({ host: listen.host, port: listen.port, ipv6Only: listen.host.includes(':') }, resolve);
      });
      server.on('error', (error) => { log.error('ServerFailed', { error }); });
      address = { host: listen.host, port: (server.address() as AddressInfo).port };
      log.info('ProducerStarted', { ...address });
    },
    close: (deadlineMs) => {
      closing ??= stop(parts, clock, deadlineMs).finally(() => {
        stopListening();
        log.info('ProducerStopped');
      });
      return closing;
    },
    get address() {
      return address;
    },
    unready: () => [...backPressure.reasons().map(({ reason }) => reason), ...parts.unready()],
  };
}

interface Parts {
  readonly lanes: Lanes;
  readonly backPressure: BackPressure;
  readonly server: ReturnType<typeof createHttpsServer>;
  readonly unready: () => readonly string[];
  readonly drain: () => void;
}

function assemble(dependencies: ProducerDependencies): Parts {
  const { settings, clock, log } = dependencies;
  const backPressure = new BackPressure(dependencies);
  const budget = new MemoryBudget(() => settings.current.intake.memoryBudgetBytes, clock);
  let draining = false;
  const lanes: Lanes = new Lanes({
    ...dependencies,
    description: { member: dependencies.member, host: dependencies.listen.host, pid: process.pid },
    onWrite: (volume, succeeded) => { backPressure.written(volume, succeeded); },
    onClosed: (files, durationMs) => { metrics.closed(files, durationMs / 1000); },
  });
  const unready = (): readonly string[] => (lanes.openLanes > 0 ? [] : ['no lane to the archive is open']);
  const metrics = createMetrics(dependencies.metrics ?? new Registry(), {
    settingsVersion: () => settings.version,
    memoryUsed: () => budget.used,
    memoryBudget: () => settings.current.intake.memoryBudgetBytes,
    openFiles: () => lanes.openFiles,
    openLanes: () => lanes.openLanes,
    pendingClosings: () => lanes.pendingClosings,
    journalBlocks: () => backPressure.journalBlocks,
    ready: () => backPressure.reasons().length === 0 && lanes.openLanes > 0,
  });
  const intake = new Intake({
    authentication: new Authentication(dependencies.keys), quotas: new Quotas(clock),
    backPressure, budget, lanes, settings, clock, onBytes: createReceptionGarbage(),
  });
  const app = createApplication({ intake, backPressure, metrics, unready, draining: () => draining, clock, log });
  const server = createHttpsServer({
    app, tls: dependencies.tls, maxConnections: () => settings.current.intake.maxConnections, clock, log,
  });
  const drain = (): void => {
    draining = true;
    backPressure.drain();
  };
  return { lanes, backPressure, server, unready, drain };
}

async function stop({ lanes, backPressure, server, drain }: Parts, clock: Clock, deadlineMs: number): Promise<void> {
  const deadline = new AbortController();
  const cancel = clock.timer(deadlineMs, () => { deadline.abort(); });
  drain();
  // Requests in work get half of the time; closing files and sealing lanes the rest.
  const cut = clock.timer(deadlineMs / 2, () => { server.closeAllConnections(); });
  if (server.listening) {
    await new Promise<void>((resolve) => {
      server.close(() => { resolve(); });
      server.closeIdleConnections();
    });
  }
  cut();
  backPressure.close();
  await lanes.close(deadline.signal);
  cancel();
}
