import { ConfigurationError, UnavailableError, messageOf } from '../../errors';
import type { ServerAddress } from '../../registry/zookeeper-addresses';
import { readEnsemble, reconfigure, type Ensemble } from '../../registry/zookeeper-ensemble';
import { parseHealth } from '../launch/health-probe';
import { membersOf, nextEnsembleStep } from './zookeeper-steps';
import type { MembersPlan } from './plan';
import type { TierState } from './state';
import { lostForGood, type Tier } from './tier';

interface Told {
  readonly ensemble: Ensemble;
  /** Who told it. */
  readonly asked: ServerAddress;
}

/** The ensemble that keeps the registry. */
export class ZooKeeperTier implements Tier {
  readonly name = 'zookeeper';
  readonly wanted: readonly string[];

  /** `superuser` is `super:password`; without it the ensemble is looked at, and a change is refused. */
  constructor(private readonly plan: NonNullable<MembersPlan['zookeeper']>, private readonly superuser: string | undefined) {
    this.wanted = plan.members.map(({ name }) => name);
  }

  async pass(former: TierState | undefined): Promise<TierState> {
    const { members } = this.plan;
    const { ensemble, asked } = await this.read(former);
    const incarnations = former?.members ?? {};
    const facts = { ensemble, incarnations, serving: await this.serving() };
    const step = nextEnsembleStep(members, facts);
    if (step?.kind === 'change') await reconfigure(asked, this.password(), { ...step, from: ensemble.version });
    return {
      wanted: this.wanted, members: membersOf(members, facts), ensemble,
      converged: step === undefined, problem: step?.what ?? '',
    };
  }

  async close(): Promise<void> {
    // Each question has a connection of its own.
  }

  /** The latest ensemble that any known member tells, and who told it. */
  private async read(former: TierState | undefined): Promise<Told> {
    const wanted = this.plan.members.flatMap(({ host, port }) => (host === undefined ? [] : { host, port }));
    const known = (former?.ensemble?.servers ?? []).map(({ host, port }) => ({ host, port }));
    const problems: string[] = [];
    let latest: Told | undefined;
    for (const asked of [...wanted, ...known]) {
      try {
        const ensemble = await readEnsemble(asked);
        if (latest === undefined || isLater(ensemble, latest.ensemble)) latest = { ensemble, asked };
      } catch (error) {
        problems.push(messageOf(error));
      }
    }
    if (latest !== undefined) return latest;
    const loss = lostForGood(former, this.plan.members);
    throw new UnavailableError(`no member of ZooKeeper serves: ${loss || problems.join('; ') || 'no address is known'}`);
  }

  private async serving(): Promise<ReadonlySet<number>> {
    const answers = await Promise.all(this.plan.members.map(async ({ id, host, port }) => {
      if (host === undefined) return undefined;
      const probe = parseHealth(`tcp:[${host}]:${port}:srvr=Mode:`);
      return probe.check().then(() => id, () => undefined);
    }));
    return new Set(answers.filter((id) => id !== undefined));
  }

  private password(): string {
    if (this.superuser !== undefined) return this.superuser;
    throw new ConfigurationError('the ensemble has to be changed and no superuser is named', {
      remedy: 'name the file with super:password in --superuser',
    });
  }
}

function isLater(one: Ensemble, other: Ensemble): boolean {
  return BigInt(`0x${one.version}`) > BigInt(`0x${other.version}`);
}
