import { identityProblem } from './server-identity';

/** How a process proves itself to a kind of server, and knows that it speaks with the right one. */
export interface ServerAccess {
  readonly credentials?: Credentials;
  /** PEM of whom to trust for the servers' certificates; absent: whom Node trusts. */
  readonly authority?: string;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Splits `user:password`; undefined when it is not of that form. */
export function parseCredentials(text: string): Credentials | undefined {
  const match = /^([^:\s]+):(\S.*)$/.exec(text);
  return match === null ? undefined : { user: match[1] ?? '', password: match[2] ?? '' };
}

/** Header of HTTP's basic authentication. */
export function basicAuthorization(access: ServerAccess | undefined): string | undefined {
  if (access?.credentials === undefined) return undefined;
  const { user, password } = access.credentials;
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** For every TLS client: the authority, and our own comparison of the certificate with the host. */
export function tlsOptions(access: ServerAccess | undefined): {
  checkServerIdentity: typeof identityProblem; ca?: string;
} {
  return { checkServerIdentity: identityProblem, ...(access?.authority === undefined ? {} : { ca: access.authority }) };
}
