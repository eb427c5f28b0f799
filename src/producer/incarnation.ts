import { ConflictError } from '../errors';
import { faultPoint } from '../fault-points';
import type { Log } from '../log';
import { randomHex, type Random } from '../random';
import { NodeKind, type Coordination } from '../registry/coordination';
import { paths } from '../registry/paths';

export interface IncarnationOptions {
  readonly coordination: Coordination;
  readonly random: Random;
  readonly log: Log;
  /** Shown in the node, for people: the producer's member name and address. */
  readonly description: Readonly<Record<string, string | number>>;
}

/** One start of a producer: its ephemeral node says that its lanes have an owner. */
export interface Incarnation {
  readonly id: string;
  /** True as long as the session that made the node is not known to have ended. */
  alive(): boolean;
  /** Removes the node: whoever sees it gone may seal and close what is left of its lanes. */
  end(): Promise<void>;
}

/**
 * Makes `/Lanes/<incarnation>`, ephemeral, with an id that was never used: the node belongs to this very session, and
 * nothing makes it anew after an expiry (schedule 13: a former session's node taken for ours goes, and a live
 * producer counts as dead). An outcome that stays unknown leaves at most a node without lanes, which its session
 * takes with it. Rejects as Coordination does.
 */
export async function openIncarnation(options: IncarnationOptions): Promise<Incarnation> {
  const { coordination, log } = options;
  const id = randomHex(options.random, 12);
  const path = `${paths.lanes}/${id}`;
  await coordination.create(path, Buffer.from(JSON.stringify(options.description)), NodeKind.ephemeral);
  faultPoint('producer.incarnation-announced');
  // The owner is read from the node itself: the session may have changed around the creation.
  const owner = (await coordination.exists(path))?.ephemeralOwner;
  if (owner === undefined) throw new ConflictError(`${path} is gone at once after it was made`);
  let expired = false;
  const stop = coordination.onState((state) => { expired ||= state === 'expired'; });
  log.info('IncarnationOpened', { incarnation: id });
  return {
    id,
    alive: () => !expired && (coordination.sessionId === '' || coordination.sessionId === owner),
    end: async () => {
      stop();
      await coordination.remove(path);
      faultPoint('producer.incarnation-ended');
    },
  };
}
