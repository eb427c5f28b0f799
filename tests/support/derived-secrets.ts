import { join } from 'node:path';
import { checkout, run } from './checkout';

type Credentials = Readonly<Record<string, string>>;

/** What a cluster's root derives from its secret. */
export interface DerivedSecrets {
  readonly options: {
    readonly [who in 'admin' | 'producer' | 'consumer' | 'zookeeper' | 'mongodb' | 'solr' | 'set']: Credentials;
  } & {
    readonly access: Readonly<Record<string, string>>;
    /** Who may change ZooKeeper's ensemble. */
    readonly super: string;
    readonly 'super-digest': string;
    /** Content of Solr's security.json. */
    readonly security: unknown;
  };
  /** Options that slapgrid does not keep in a file. */
  readonly volatile: readonly string[];
}

/** Runs the root's own code. */
export async function derivedSecrets(
  secret: string, parameters: Readonly<Record<string, unknown>> = {},
): Promise<DerivedSecrets> {
  const python = join(checkout, 'venv', 'bin', 'python');
  const { code, stdout, stderr } = await run(python, [join(__dirname, 'derive-secrets.py')], {
    input: JSON.stringify({ secret, parameters }),
  });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as DerivedSecrets;
}
