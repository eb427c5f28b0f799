import type { Document } from 'mongodb';
import type { MongodbAccess, MongodbIdentity } from '../../archive/mongodb-access';
import { ConfigurationError, UnavailableError, messageOf } from '../../errors';
import { declareUsers } from '../archive-users';
import { readMembers } from '../replica-set';
import { replicaSetCommand } from '../replica-set-command';
import { entryOf, nameOf, nextSetStep, type SetMember } from './mongodb-steps';
import type { MembersPlan } from './plan';
import type { TierState } from './state';
import { lostForGood, type Tier } from './tier';

interface SetConfiguration extends Document {
  readonly version: number;
  readonly members: readonly SetMember[];
}

/** A change waits until a majority of the members has the former one. */
const CHANGE_LIMIT_MS = 30_000;
/** The primary hands over once another member has what it has; else it stays. */
const CATCH_UP_SECONDS = 10;
const STAYS_DOWN_SECONDS = 30;
/** A primary is replaced in a few seconds; the default of 10 s is longer than clients like to wait. */
const ELECTION_TIMEOUT_MS = 5_000;
/** The archive's, for the rights of its users. */
const DATABASE = 'resilog';

/** The archive's replica set. */
export class MongodbTier implements Tier {
  readonly name = 'mongodb';
  readonly wanted: readonly string[];
  private usersAreDeclared = false;

  /** `access` has the members' key when they have one, and the users that are to be. */
  constructor(private readonly plan: NonNullable<MembersPlan['mongodb']>, private readonly access?: MongodbAccess) {
    this.wanted = plan.members.map(({ name }) => name);
  }

  async pass(former: TierState | undefined): Promise<TierState> {
    const primary = await this.findPrimary(lostForGood(former, this.plan.members));
    if (primary === undefined) return this.initiate(former);
    const configuration = (await this.command(primary, { replSetGetConfig: 1 })).config as SetConfiguration;
    const status = await this.command(primary, { replSetGetStatus: 1 });
    const { members } = this.plan;
    const step = nextSetStep(members, {
      members: configuration.members,
      states: statesOf(status),
      answering: await this.answering(),
    });
    if (step?.kind === 'configure') await this.configure(primary, configuration, step.members);
    if (step?.kind === 'step-down') await this.stepDown(primary);
    else await this.declareUsers(primary);
    return {
      wanted: this.wanted, converged: step === undefined, problem: step?.what ?? '',
      members: Object.fromEntries(configuration.members.map((member) =>
        [nameOf(member, members) ?? member.host, member.tags?.incarnation ?? ''])),
    };
  }

  async close(): Promise<void> {
    // Each command has a connection of its own.
  }

  private get addresses(): readonly string[] {
    return this.plan.members.flatMap(({ address }) => address ?? []);
  }

  /** As any of the wanted members knows it; undefined when all of them answer and none is in a set. */
  private async findPrimary(loss: string): Promise<string | undefined> {
    let [isFree, problem] = [this.addresses.length > 0, loss];
    for (const address of this.addresses) {
      try {
        const hello = await this.command(address, { hello: 1 }, 'nobody');
        if (typeof hello.setName === 'string') this.mustBeOurs(address, hello.setName);
        if (typeof hello.primary === 'string') return hello.primary;
        if (hello.setName !== undefined) [isFree, problem] = [false, problem || `${address} knows no primary`];
      } catch (error) {
        if (error instanceof ConfigurationError) throw error;
        [isFree, problem] = [false, problem || `${address} does not answer (${messageOf(error)})`];
      }
    }
    if (isFree) return undefined;
    throw new UnavailableError(`the replica set ${this.plan.replicaSet} has no primary: ${problem || 'no address is known'}`);
  }

  private mustBeOurs(address: string, set: string): void {
    if (set === this.plan.replicaSet) return;
    throw new ConfigurationError(`${address} belongs to the replica set ${set}, not ${this.plan.replicaSet}`);
  }

  /** A set is made once: an empty one in the place of one that was lost would hide that. */
  private async initiate(former: TierState | undefined): Promise<TierState> {
    const { members, replicaSet } = this.plan;
    const nothing = { wanted: this.wanted, members: former?.members ?? {}, converged: false };
    const states = await readMembers({ members: this.addresses, access: this.access });
    const waiting = members.filter(({ address }) =>
      address === undefined || states.find(({ member }) => member === address)?.state !== 'not initiated');
    if (waiting.length > 0) return { ...nothing, problem: `${waiting.map(({ name }) => name).join(', ')} must be up first` };
    if (Object.keys(former?.members ?? {}).length > 0) {
      throw new UnavailableError(`every member of the replica set ${replicaSet} has lost its data`, { remedy: 'restore a backup' });
    }
    const entries = members.map((member, id) => entryOf(id, member, member.address ?? ''));
    const settings = { electionTimeoutMillis: ELECTION_TIMEOUT_MS };
    const configuration = { _id: replicaSet, members: entries, settings };
    await this.command(entries[0]?.host ?? '', { replSetInitiate: configuration }, 'member', CHANGE_LIMIT_MS);
    return { ...nothing, problem: 'makes the replica set' };
  }

  /** Wanted members that answer, in this set or none. */
  private async answering(): Promise<ReadonlySet<string>> {
    const states = await readMembers({ members: this.addresses, access: this.access });
    const { replicaSet } = this.plan;
    return new Set(states.filter(({ state, set }) => state !== 'unreachable' && (set ?? replicaSet) === replicaSet)
      .map(({ member }) => member));
  }

  /** Of two who change the same version, one is refused. */
  private async configure(primary: string, former: SetConfiguration, members: readonly SetMember[]): Promise<void> {
    const next = { ...former, version: former.version + 1, members };
    await this.command(primary, { replSetReconfig: next, maxTimeMS: CHANGE_LIMIT_MS - 5_000 }, 'member', CHANGE_LIMIT_MS);
  }

  private async stepDown(primary: string): Promise<void> {
    const handOver = { replSetStepDown: STAYS_DOWN_SECONDS, secondaryCatchUpPeriodSecs: CATCH_UP_SECONDS };
    await this.command(primary, handOver, 'member', CHANGE_LIMIT_MS);
  }

  /** Once a run: they are the data's, so that nobody who joins or leaves changes them. */
  private async declareUsers(primary: string): Promise<void> {
    if (this.access?.users === undefined || this.usersAreDeclared) return;
    await declareUsers({ member: primary, database: DATABASE, access: this.access });
    this.usersAreDeclared = true;
  }

  /** As a member unless told otherwise: users are made after the set. */
  private command(
    member: string, content: Document, identity: MongodbIdentity = 'member', limitMs?: number,
  ): Promise<Document> {
    return replicaSetCommand(member, this.access, identity, content, limitMs);
  }
}

function statesOf(status: Document): ReadonlyMap<string, string> {
  const members = status.members as readonly { readonly name: string; readonly stateStr: string }[];
  return new Map(members.map(({ name, stateStr }) => [name, stateStr]));
}
