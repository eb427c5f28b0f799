import { MongoClient } from 'mongodb';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { workerOf } from '../support/process-tree';
import { Seeded } from '../support/seeded';
import type { ChaosCluster, Kind, Member } from './chaos-cluster';
import type { Way } from './network';
import { BEYOND_SESSIONS_MS, type Fault, type FaultKind } from './schedule';

/** What was done to the cluster. */
export interface Injuries {
  kills: number;
  partitions: number;
  pauses: number;
  /** Pauses longer than every session's time-out. */
  longPauses: number;
  fullDisks: number;
  clockSteps: number;
  slowLinks: number;
  /** By links that were slow. */
  lostPackets: number;
}

type Action = (fault: Fault, random: Seeded) => Promise<void>;

const SERVERS: readonly Kind[] = ['zookeeper', 'mongodb', 'solr'];
const PROCESSES: readonly Kind[] = ['producer', 'consumer'];
const RENEWALS = 12;
const CLOCK_STEP_MS = 3_600_000;
/** Much less than a member's share of the traffic, up to about that. */
const SLOW_KILOBITS = [500, 5_000] as const;

/** Carries the faults of a schedule out, each for its time, several at once where they overlap. */
export class Faults {
  readonly injuries: Injuries = {
    kills: 0, partitions: 0, pauses: 0, longPauses: 0, fullDisks: 0, clockSteps: 0, slowLinks: 0, lostPackets: 0,
  };
  private readonly actions: Readonly<Record<FaultKind, Action>> = {
    'kill': (_, random) => this.kill(random.of(this.cluster.members), random.fraction() < 0.2),
    'kill a leader': (_, random) => this.killLeader(random),
    'pause': (fault, random) => this.pause(random.of(this.cluster.members), fault.forMs),
    'pause beyond the session': (fault, random) => this.pause(random.of(this.cluster.members), fault.forMs),
    'cut one way': (fault, random) => this.cut(fault, random, false),
    'cut both ways': (fault, random) => this.cut(fault, random, true),
    'isolate a host': (fault, random) => this.isolate(fault, random),
    'step down': () => this.stepDown(),
    'take the majority of ZooKeeper away': (fault, random) => this.takeAway(fault, random, 'zookeeper', 2),
    'take the majority of MongoDB away': (fault, random) => this.takeAway(fault, random, 'mongodb', 2),
    'take Solr away': (fault, random) => this.takeAway(fault, random, 'solr', 3),
    'fill a disk': (fault, random) => this.fillDisk(fault, random),
    'step a clock': (fault, random) => this.stepClock(fault, random),
    'lose a producer for good': (fault, random) => this.loseProducer(fault, random),
    'slow a link': (fault, random) => this.slowLink(fault, random),
  };

  constructor(private readonly cluster: ChaosCluster, private readonly say: (text: string) => void) {}

  /** Returns when the last fault has ended and everything may work again. */
  async run(faults: readonly Fault[], signal: AbortSignal): Promise<void> {
    const begin = performance.now();
    const running = new Set<Promise<void>>();
    for (const fault of faults) {
      await sleep(Math.max(0, begin + fault.atMs - performance.now()), undefined, { signal });
      const done = this.inject(fault).finally(() => running.delete(done));
      running.add(done);
    }
    await Promise.all(running);
  }

  private async inject(fault: Fault): Promise<void> {
    try {
      await this.actions[fault.kind](fault, new Seeded(fault.seed));
    } catch (error) {
      // What it was to meet is down just now, by another fault.
      this.say(`${fault.kind}: not done: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Kills the process itself or, with its launcher, the whole component. */
  private async kill(member: Member, whole: boolean): Promise<void> {
    const supervised = await member.cluster.supervisedPid(member.name);
    process.kill(whole ? supervised : workerOf(supervised), 'SIGKILL');
    this.injuries.kills += 1;
    this.say(`kill ${member.label}${whole ? ' and its launcher' : ''}`);
  }

  private async killLeader(random: Seeded): Promise<void> {
    const leader = random.fraction() < 0.5 ? await this.primary() : await this.zookeeperLeader();
    await this.kill(leader, false);
  }

  private async pause(member: Member, forMs: number): Promise<void> {
    const pid = await member.cluster.pid(member.name);
    process.kill(pid, 'SIGSTOP');
    this.injuries.pauses += 1;
    if (forMs >= BEYOND_SESSIONS_MS) this.injuries.longPauses += 1;
    this.say(`pause ${member.label} for ${forMs} ms`);
    await sleep(forMs);
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It was killed meanwhile.
    }
  }

  /** Cuts one part from one server. */
  private async cut(fault: Fault, random: Seeded, bothWays: boolean): Promise<void> {
    const server = random.of(this.cluster.of(...SERVERS));
    const other = random.of(this.cluster.members.filter(({ host }) => host !== server.host));
    const there: Way = { from: other.host, to: server.host, ports: server.ports };
    const back: Way = { from: server.host, to: other.host, ports: server.ports };
    const ways = bothWays ? [there, back] : [random.fraction() < 0.5 ? there : back];
    this.say(`cut ${other.host.name} from ${server.label} ${bothWays ? 'both ways' : 'one way'} for ${fault.forMs} ms`);
    await this.cutFor(ways, fault.forMs);
  }

  private async isolate(fault: Fault, random: Seeded): Promise<void> {
    const host = random.of(this.cluster.network.hosts);
    const ways = this.cluster.network.hosts.filter((other) => other !== host)
      .flatMap((other) => [{ from: host, to: other }, { from: other, to: host }]);
    this.say(`isolate ${host.name} for ${fault.forMs} ms`);
    await this.cutFor(ways, fault.forMs);
  }

  private async cutFor(ways: readonly Way[], forMs: number): Promise<void> {
    const mends = [];
    try {
      for (const way of ways) mends.push(await this.cluster.network.cut(way));
      this.injuries.partitions += 1;
      await sleep(forMs);
    } finally {
      for (const mend of mends) await mend();
    }
  }

  private async stepDown(): Promise<void> {
    const primary = await this.primary();
    this.say(`${primary.label} steps down`);
    await asked(primary, (client) => client.db('admin').command({ replSetStepDown: 10, secondaryCatchUpPeriodSecs: 2 }));
  }

  /** Kills so many of a kind and keeps them down. */
  private async takeAway(fault: Fault, random: Seeded, kind: Kind, count: number): Promise<void> {
    const all = [...this.cluster.of(kind)];
    const taken = Array.from({ length: count }, () => all.splice(random.between(0, all.length - 1), 1)).flat();
    this.say(`take ${taken.map(({ label }) => label).join(', ')} away for ${fault.forMs} ms`);
    try {
      for (const member of taken) {
        await this.kill(member, true).catch(() => undefined);
        await member.cluster.stopMember(member.name);
      }
      await sleep(fault.forMs);
    } finally {
      await Promise.all(taken.map(startAgain));
    }
  }

  /** Half of them a server's, so that a database meets it, half those of producers and consumers. */
  private async fillDisk(fault: Fault, random: Seeded): Promise<void> {
    const kinds = random.fraction() < 0.5 ? SERVERS : PROCESSES;
    const { host } = random.of(this.cluster.of(...kinds));
    const disk = this.cluster.disk(host);
    this.say(`the disk of ${host.name} is full for ${fault.forMs} ms`);
    try {
      await disk.fill();
      this.injuries.fullDisks += 1;
      await sleep(fault.forMs);
    } finally {
      await disk.empty();
    }
  }

  private async stepClock(fault: Fault, random: Seeded): Promise<void> {
    const { host } = random.of(this.cluster.of(...PROCESSES));
    const byMs = random.fraction() < 0.5 ? CLOCK_STEP_MS : -CLOCK_STEP_MS;
    this.say(`the clock of ${host.name} is off by ${byMs / 60_000} minutes for ${fault.forMs} ms`);
    await this.cluster.setClock(host, byMs);
    this.injuries.clockSteps += 1;
    try {
      await sleep(fault.forMs);
    } finally {
      await this.cluster.setClock(host, 0);
    }
  }

  private async slowLink(fault: Fault, random: Seeded): Promise<void> {
    const host = random.of(this.cluster.network.hosts);
    const kilobits = random.between(...SLOW_KILOBITS);
    const mend = await this.cluster.network.slowDown(host, kilobits);
    this.injuries.slowLinks += 1;
    this.say(`the link of ${host.name} has ${kilobits} kbit/s for ${fault.forMs} ms`);
    try {
      await sleep(fault.forMs);
    } finally {
      this.injuries.lostPackets += await mend();
    }
  }

  /** Its machine is gone with its folder; another one comes in its place. */
  private async loseProducer(fault: Fault, random: Seeded): Promise<void> {
    const producer = random.of(this.cluster.of('producer'));
    await this.kill(producer, true);
    await producer.cluster.stopMember(producer.name);
    await rm(join(producer.cluster.folder, producer.name), { recursive: true, force: true });
    this.say(`${producer.label} is lost with its folder`);
    await sleep(fault.forMs);
    await this.renew(producer);
  }

  /** Until it works: the disk of its host may be full just now. */
  private async renew(member: Member): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.cluster.renew(member);
        return;
      } catch (error) {
        if (tries >= RENEWALS) throw error;
        await sleep(5_000);
      }
    }
  }

  private async primary(): Promise<Member> {
    for (const member of this.cluster.of('mongodb')) {
      const hello = await asked(member, (client) => client.db('admin').command({ hello: 1 })).catch(() => undefined);
      if (hello?.['isWritablePrimary'] === true) return member;
    }
    throw new Error('MongoDB has no primary');
  }

  private async zookeeperLeader(): Promise<Member> {
    for (const member of this.cluster.of('zookeeper')) {
      if ((await fourLetters(member)).includes('Mode: leader')) return member;
    }
    throw new Error('ZooKeeper has no leader');
  }
}

/** A member that another fault keeps down is started by that one or by this one, whoever ends first. */
async function startAgain(member: Member): Promise<void> {
  await member.cluster.startMember(member.name).catch(() => undefined);
}

async function asked<T>(member: Member, ask: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(`mongodb://[${member.host.address}]:${member.ports[0] ?? 0}/`, {
    directConnection: true, serverSelectionTimeoutMS: 3_000, socketTimeoutMS: 15_000,
  });
  try {
    return await ask(client);
  } finally {
    await client.close();
  }
}

/** What ZooKeeper says of itself; empty when it does not answer. */
function fourLetters(member: Member): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host: member.host.address, port: member.ports[0] ?? 0, timeout: 3_000 });
    socket.setEncoding('utf8').on('data', (data: string) => { text += data; });
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('close', () => { resolve(text); });
    socket.end('srvr');
  });
}
