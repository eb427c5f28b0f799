import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of bodies after which the young garbage is collected, and all of it. */
const YOUNG_BYTES = 1024 * 1024;
const ALL_BYTES = 96 * 1024 * 1024;

type Collect = (options: { readonly type: 'minor' | 'major' }) => void;

/**
 * Collects the garbage of reception. TLS hands out each 16 KiB in a buffer of its own; these weigh next to nothing
 * in the collector's own heap, so that it lets hundreds of megabytes of them gather under load. Those that grew old
 * meanwhile only a collection of everything finds. A young one takes well below a millisecond.
 */
export function createReceptionGarbage(collect: Collect = collector()): (receivedBytes: number) => void {
  let sinceYoung = 0;
  let sinceAll = 0;
  return (receivedBytes) => {
    sinceYoung += receivedBytes;
    sinceAll += receivedBytes;
    if (sinceYoung < YOUNG_BYTES) return;
    sinceYoung = 0;
    const all = sinceAll >= ALL_BYTES;
    if (all) sinceAll = 0;
    collect({ type: all ? 'major' : 'minor' });
  };
}

/** The collector's own function, without the flag on the command line that usually gives it. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
