import type { MongodbAccess } from '../archive/mongodb-access';
import type { Clock } from '../clock';
import { ConfigurationError, UnavailableError, messageOf } from '../errors';
import { declareUsers } from './archive-users';
import { refusalCode, replicaSetCommand } from './replica-set-command';

export interface ReplicaSetOptions {
  readonly name: string;
  /** Every member, as `[::1]:27017`; the first one is asked to initiate. */
  readonly members: readonly string[];
  /** With the members' key when they have one, and the users that are to be. */
  readonly access?: MongodbAccess | undefined;
  /** Of the archive, for the rights of its users; default `resilog`. */
  readonly database?: string;
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
const UNAUTHORIZED = 13;
const AUTHENTICATION_FAILED = 18;
const INITIATE_LIMIT_MS = 20_000;
const LOOK_MS = 300;
/** A primary is replaced in a few seconds; the default of 10 s is longer than clients like to wait. */
const ELECTION_TIMEOUT_MS = 5_000;

/**
 * Makes the replica set of these members unless there is one, and its users; returns once it has a primary and every
 * member takes part. Safe to repeat, and to kill at any point. UnavailableError: not by the deadline; try again.
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
    const primary = states.find(({ state }) => state === 'primary');
    if (problem === '' && primary !== undefined) {
      const { access, database = 'resilog' } = options;
      if (access?.users !== undefined) await declareUsers({ member: primary.member, database, access });
      return { initiated };
    }
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
export function readMembers(
  { members, access }: Pick<ReplicaSetOptions, 'members' | 'access'>,
): Promise<readonly MemberState[]> {
  return Promise.all(members.map(async (member): Promise<MemberState> => {
    try {
      const { setName, isWritablePrimary, secondary } = await replicaSetCommand(member, access, 'nobody', { hello: 1 });
      if (typeof setName !== 'string') return { member, ...await stateWithoutSet(member, access) };
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
async function stateWithoutSet(
  member: string, access: MongodbAccess | undefined,
): Promise<Pick<MemberState, 'state' | 'problem'>> {
  try {
    await replicaSetCommand(member, access, 'member', { replSetGetStatus: 1 });
    return { state: 'starting' };
  } catch (error) {
    const code = refusalCode(error);
    if (code === NOT_YET_INITIALIZED) return { state: 'not initiated' };
    // Users are made after the set: who has no key can tell no more.
    if (access?.key === undefined && (code === UNAUTHORIZED || code === AUTHENTICATION_FAILED)) return { state: 'not initiated' };
    return { state: 'starting', problem: messageOf(error) };
  }
}

/** Empty when it is done, or was done by somebody else; otherwise why it can't be done yet. */
async function tryToInitiate(first: string, { name, members, access }: ReplicaSetOptions): Promise<string> {
  const configuration = {
    _id: name,
    members: members.map((host, index) => ({ _id: index, host })),
    settings: { electionTimeoutMillis: ELECTION_TIMEOUT_MS },
  };
  try {
    await replicaSetCommand(first, access, 'member', { replSetInitiate: configuration }, INITIATE_LIMIT_MS);
    return '';
  } catch (error) {
    const code = refusalCode(error);
    if (code === ALREADY_INITIALIZED) return '';
    if (code !== undefined && code !== NODE_NOT_FOUND) {
      throw new ConfigurationError(`${first} refuses to initiate: ${messageOf(error)}`, { cause: error });
    }
    return messageOf(error);
  }
}
