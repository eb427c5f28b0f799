import { MongoClient, MongoServerError, type Document } from 'mongodb';
import type { Clock } from '../clock';
import { ConfigurationError, UnavailableError, messageOf } from '../errors';

export interface ReplicaSetOptions {
  readonly name: string;
  /** Every member, as `[::1]:27017`; the first one is asked to initiate. */
  readonly members: readonly string[];
  readonly clock: Clock;
  /** Time in which every member has to be up and the set to have a primary. */
  readonly timeoutMs: number;
  readonly onProgress?: (waitingFor: string) => void;
  readonly signal?: AbortSignal;
}

export interface MemberState {
  readonly member: string;
  readonly state: 'primary' | 'secondary' | 'not initiated' | 'starting' | 'unreachable';
  /** Name of the set that it is in. */
  readonly set?: string;
  readonly problem?: string;
}

/** Codes of replies that do not mean a failure. */
const ALREADY_INITIALIZED = 23;
const NOT_YET_INITIALIZED = 94;
const NODE_NOT_FOUND = 74;
const ANSWER_LIMIT_MS = 3_000;
const INITIATE_LIMIT_MS = 20_000;
const LOOK_MS = 300;
/** A primary is replaced in a few seconds; the default of 10 s is longer than clients like to wait. */
const ELECTION_TIMEOUT_MS = 5_000;

/**
 * Makes the replica set of these members unless there is one, and returns once it has a primary and every member
 * takes part. Safe to repeat, and to kill at any point. UnavailableError: not by the deadline; try again.
 * ConfigurationError: a member belongs to another set.
 */
export async function initiateReplicaSet(options: ReplicaSetOptions): Promise<{ readonly initiated: boolean }> {
  const { clock, members, timeoutMs, signal } = options;
  const startedMs = clock.monotonic();
  let initiated = false;
  for (;;) {
    const states = await readMembers(options);
    const foreign = states.find(({ set }) => set !== undefined && set !== options.name);
    if (foreign !== undefined) {
      throw new ConfigurationError(`${foreign.member} belongs to the replica set ${foreign.set ?? ''}, not ${options.name}`);
    }
    let problem = states.filter(isWaited).map((one) => `${one.member} is ${one.state}${reason(one)}`).join(', ');
    if (problem === '' && states.some(({ state }) => state === 'primary')) return { initiated };
    if (states.every(({ state }) => state === 'not initiated')) {
      problem = await tryToInitiate(members[0] ?? '', options);
      initiated ||= problem === '';
    }
    if (clock.monotonic() - startedMs > timeoutMs || signal?.aborted) {
      throw new UnavailableError(`the replica set ${options.name} is not ready: ${problem || 'it has no primary'}`, {
        remedy: 'see that every member runs and reaches the others, then repeat the command',
      });
    }
    options.onProgress?.(problem);
    await clock.sleep(LOOK_MS, signal);
  }
}

/** What every member says of itself. Never rejects. */
export function readMembers({ members }: Pick<ReplicaSetOptions, 'members'>): Promise<readonly MemberState[]> {
  return Promise.all(members.map(async (member): Promise<MemberState> => {
    try {
      const { setName, isWritablePrimary, secondary } = await command(member, { hello: 1 }, ANSWER_LIMIT_MS);
      if (typeof setName !== 'string') return { member, ...await stateWithoutSet(member) };
      const state = isWritablePrimary === true ? 'primary' : secondary === true ? 'secondary' : 'starting';
      return { member, state, set: setName };
    } catch (error) {
      return { member, state: 'unreachable', problem: messageOf(error) };
    }
  }));
}

function isWaited({ state }: MemberState): boolean {
  return state !== 'primary' && state !== 'secondary';
}

function reason({ problem }: MemberState): string {
  return problem === undefined ? '' : ` (${problem})`;
}

/** In no set, or just started over its data and yet to read the set's configuration. */
async function stateWithoutSet(member: string): Promise<Pick<MemberState, 'state' | 'problem'>> {
  try {
    await command(member, { replSetGetStatus: 1 }, ANSWER_LIMIT_MS);
    return { state: 'starting' };
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NOT_YET_INITIALIZED) return { state: 'not initiated' };
    return { state: 'starting', problem: messageOf(error) };
  }
}

/** Empty when it is done, or was done by somebody else; otherwise why it can't be done yet. */
async function tryToInitiate(first: string, { name, members }: ReplicaSetOptions): Promise<string> {
  const configuration = {
    _id: name,
    members: members.map((host, index) => ({ _id: index, host })),
    settings: { electionTimeoutMillis: ELECTION_TIMEOUT_MS },
  };
  try {
    await command(first, { replSetInitiate: configuration }, INITIATE_LIMIT_MS);
    return '';
  } catch (error) {
    if (error instanceof MongoServerError && error.code === ALREADY_INITIALIZED) return '';
    if (error instanceof MongoServerError && error.code !== NODE_NOT_FOUND) {
      throw new ConfigurationError(`${first} refuses to initiate: ${error.message}`, { cause: error });
    }
    return messageOf(error);
  }
}

/** One command to this very member. A connection of its own: the member may be restarted between two of them. */
export async function command(member: string, content: Document, limitMs: number): Promise<Document> {
  const client = new MongoClient(`mongodb://${member}/`, {
    directConnection: true, serverSelectionTimeoutMS: ANSWER_LIMIT_MS, connectTimeoutMS: ANSWER_LIMIT_MS,
    socketTimeoutMS: limitMs, maxPoolSize: 1,
  });
  try {
    return await client.db('admin').command(content);
  } finally {
    await client.close();
  }
}
