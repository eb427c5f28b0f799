import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * Whether a server's certificate is for the host that was asked for: what Node calls after it has verified the chain.
 * Node 24.19 finds no IPv6 literal in any certificate, and compares it with the common name instead. Here an address
 * has to be among the certificate's IP addresses (RFC 5280, 4.2.1.6; compared by OpenSSL, so that the way of writing
 * it does not matter) and nothing else counts; a name is left to Node. Returns the error, or undefined.
 */
export function identityProblem(host: string, certificate: PeerCertificate): Error | undefined {
  const address = /^\[(.*)\]$/.exec(host)?.[1] ?? host;
  if (isIP(address) === 0) return checkServerIdentity(host, certificate);
  // Absent when the server showed none.
  const raw = certificate.raw as Buffer | undefined;
  if (raw !== undefined && new X509Certificate(raw).checkIP(address) !== undefined) return undefined;
  return new Error(`the certificate of ${host} is for ${certificate.subjectaltname ?? 'nobody'}, not for that address`);
}
