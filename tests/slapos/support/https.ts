import { request } from 'node:https';

/** Posts over HTTPS, trusting this certificate alone; returns the status. */
export function post(url: string, authority: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', ca: authority, agent: false }, (response) => {
      response.resume().on('end', () => { resolve(response.statusCode ?? 0); });
    });
    sent.on('error', reject).end(body);
  });
}
