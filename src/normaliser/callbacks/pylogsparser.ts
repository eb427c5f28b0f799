import type { Callback } from '../callback';
import { commonDateCallbacks } from './common-dates';
import { decodePriority } from './syslog';

/**
 * Callbacks that PyLogsParser's definitions carry as Python source, by `<normalizer>/<callback>` (the normalizer is
 * empty for the common file) and by the hash of that source, so that an edited one is noticed instead of misread.
 */
const KNOWN: readonly (readonly [key: string, hash: string, implementation: Callback])[] = [
  ...common([
    ['MM/dd/YYYY hh:mm:ss', '221f1f285a2181b5'],
    ['dd/MMM/YYYY:hh:mm:ss', 'ce525369d9dc4368'],
    ['MMM dd hh:mm:ss', 'fe2fd103b91ab6ad'],
    ['MMM dd YYYY hh:mm:ss', '0aec30f027b83940'],
    ['DDD MMM dd hh:mm:ss YYYY', 'ad78c064df3c3826'],
    ['YYYY-MM-DD hh:mm:ss', '953d86d8f53b0b23'],
    ['MM/DD/YY, hh:mm:ss', 'd116a020c1522b56'],
    ['YYMMDD hh:mm:ss', '04281cbf76aa826f'],
    ['ISO8601', 'bce82c605566de46'],
    ['EPOCH', '095a63ae177b80f2'],
    ['dd-MMM-YYYY hh:mm:ss', '8fa9f3ff4c1a197d'],
  ]),
  ['syslog/decode_priority', '549b5161018d458e', decodePriority],
];

function common(hashes: readonly (readonly [string, string])[]): readonly (readonly [string, string, Callback])[] {
  return hashes.flatMap(([name, hash]) => {
    const callback = commonDateCallbacks.get(name);
    return callback === undefined ? [] : [[`/${name}`, hash, callback] as const];
  });
}

export const pylogsparserCallbacks: ReadonlyMap<string, ReadonlyMap<string, Callback>> = byKey();

function byKey(): ReadonlyMap<string, ReadonlyMap<string, Callback>> {
  const callbacks = new Map<string, Map<string, Callback>>();
  for (const [key, hash, implementation] of KNOWN) {
    const bodies = callbacks.get(key) ?? new Map<string, Callback>();
    bodies.set(hash, implementation);
    callbacks.set(key, bodies);
  }
  return callbacks;
}
