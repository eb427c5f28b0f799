import { request } from 'node:https';

/** A producer answers within five seconds or so, be it with 503. */
const ANSWER_MS = 8_000;

/**
 * Posts over HTTPS, trusting this certificate alone; returns the status. Names are not compared: Node 24.19 finds no
 * IPv6 address in any certificate. The promise of the producer, which is Python's, does compare them.
 */
export function post(
  url: string, authority: string, body: string, headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers, ca: authority, agent: false, checkServerIdentity: () => undefined };
    const sent = request(url, options, (response) => {
      response.resume().on('end', () => { resolve(response.statusCode ?? 0); });
    });
    sent.setTimeout(ANSWER_MS, () => sent.destroy(new Error('no answer')));
    sent.on('error', reject).end(body);
  });
}
