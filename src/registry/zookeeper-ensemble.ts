import { isIPv6 } from 'node:net';
import { UnavailableError } from '../errors';
import { parseServers, type ServerAddress } from './zookeeper-addresses';
import { withRawSession, type RawAnswer } from './zookeeper-raw-session';

/** One member of an ensemble, as its dynamic configuration has it. */
export interface EnsembleServer {
  readonly id: number;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly peerPort: number;
  readonly electionPort: number;
}

export interface Ensemble {
  /** Hexadecimal; a later one is larger. */
  readonly version: string;
  readonly servers: readonly EnsembleServer[];
}

const Operation = { getData: 4, reconfig: 16 } as const;
const CONFIGURATION = '/zookeeper/config';
/** Replies that need other words than their number. */
const MEANINGS: Readonly<Record<number, string>> = {
  [-13]: 'too few members of the new ensemble are connected and in step',
  [-14]: 'another change is in work',
  [-8]: 'it does not accept the change',
  [-102]: 'the credentials are not those of its superuser',
  [-103]: 'the ensemble was changed meanwhile',
  [-123]: 'it runs with reconfigEnabled=false',
};

/** The ensemble in force, as this member knows it. UnavailableError. */
export async function readEnsemble(server: ServerAddress): Promise<Ensemble> {
  const answer = await withRawSession(server, undefined, (session) =>
    session.call(Operation.getData, (body) => body.text(CONFIGURATION).flag(false)));
  mustWork(answer, server);
  return parseEnsemble(answer.body.text());
}

export interface Reconfiguration {
  readonly joining: readonly EnsembleServer[];
  readonly leaving: readonly number[];
  /** Version that is changed; when it is another meanwhile, the change is refused. */
  readonly from: string;
}

/**
 * Changes the ensemble. ZooKeeper does it only with a majority of the former and of the new members, so that there are
 * never two that could decide. `superuser` is `super:password`. UnavailableError: not done, or it is not known.
 */
export async function reconfigure(server: ServerAddress, superuser: string, change: Reconfiguration): Promise<void> {
  const answer = await withRawSession(server, superuser, (session) => session.call(Operation.reconfig, (body) => body
    .text(change.joining.length === 0 ? undefined : change.joining.map(formatServer).join(','))
    .text(change.leaving.length === 0 ? undefined : change.leaving.join(','))
    .text(undefined)
    .long(BigInt(`0x${change.from}`))));
  mustWork(answer, server);
}

/** `server.1=[::1]:2888:3888:participant;[::1]:2181` */
export function formatServer({ id, host, port, peerPort, electionPort }: EnsembleServer): string {
  const address = host.includes(':') ? `[${host}]` : host;
  return `server.${id}=${address}:${peerPort}:${electionPort}:participant;${address}:${port}`;
}

const SERVER = /^server\.(\d+)=(.+):(\d+):(\d+)(?::(?:participant|observer))?;(?:(.+):)?(\d+)$/;

export function parseEnsemble(text: string): Ensemble {
  const lines = text.split('\n').map((line) => line.trim());
  const servers = lines.map((line) => SERVER.exec(line)).filter((match) => match !== null).map((match) => {
    const [, id, host = '', peerPort, electionPort, clientHost, port] = match;
    const [address] = parseServers(`${clientHost ?? host}:${port ?? ''}`);
    return { id: Number(id), host: canonicalHost(address?.host ?? ''), port: Number(port), peerPort: Number(peerPort), electionPort: Number(electionPort) };
  });
  const version = lines.find((line) => line.startsWith('version='))?.slice('version='.length) ?? '';
  if (servers.length === 0 || version === '') throw new UnavailableError(`ZooKeeper's configuration can't be read: ${text}`);
  return { version, servers: servers.sort((one, other) => one.id - other.id) };
}

/** ZooKeeper writes an IPv6 address out in full. */
export function canonicalHost(host: string): string {
  return isIPv6(host) ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host;
}

function mustWork({ code }: RawAnswer, { host, port }: ServerAddress): void {
  if (code === 0) return;
  throw new UnavailableError(`ZooKeeper [${host}]:${port} refuses: ${MEANINGS[code] ?? `code ${code}`}`);
}
