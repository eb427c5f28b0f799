import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import type { CommandContext } from '../../cli/context';
import { ConfigurationError, InputError, messageOf } from '../../errors';
import { writePrivately } from '../../private-file';
import { randomHex } from '../../random';

/** What `issue` reads. */
interface IssueRequest {
  readonly secret: string;
  readonly members: readonly {
    readonly name: string; readonly address: string; readonly publicKey: string; readonly renewDays: number;
  }[];
  readonly former?: Readonly<Record<string, string>>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** For the profiles of a cluster that makes the certificates of its own servers. Needs no configuration file. */
export function addCertificateCommand(parent: Command, context: CommandContext): void {
  const certificate = parent.command('certificate').summary('make keys and certificates of a cluster\'s own servers')
    .description('The certificates of mongod and Solr, from an authority of the cluster. Needs no configuration file.');
  certificate.command('key').summary('print the public key of a private one')
    .description('Makes the private key (EC P-256) unless it is there, in a file that its owner alone reads.')
    .requiredOption('--file <file>', 'file of the private key')
    .option('--json', 'one JSON object: publicKey')
    .action(({ file, json }: { file: string; json?: boolean }) => {
      const publicKey = publicKeyOf(file).trim();
      if (json) context.output.json({ publicKey });
      else context.output.line(publicKey);
    });
  addIssue(certificate, context);
  certificate.command('stores').summary('write a server\'s key store and trust store as Java reads them')
    .description('Writes key.p12, trust.p12 and stores.properties, which has their password, made anew each time. The files are'
      + ' for their owner alone. A certificate of another key is refused.')
    .requiredOption('--key <file>', 'private key')
    .requiredOption('--certificate <file>', 'its certificate')
    .requiredOption('--authority <file>', 'certificates of whom to trust')
    .requiredOption('--folder <folder>', 'where the three files go')
    .option('--json', 'one JSON object: folder')
    .action(async (flags: { key: string; certificate: string; authority: string; folder: string; json?: boolean }) => {
      const { keyStore, trustStore } = await import('../../authority/key-store');
      const password = randomHex(context.random, 32);
      const file = (name: string): string => join(flags.folder, name);
      const [key, shown] = [readText(flags.key), readText(flags.certificate)];
      mustBeOf(flags.key, key, shown);
      writePrivately(file('key.p12'), keyStore(key, shown, password));
      writePrivately(file('trust.p12'), trustStore(readText(flags.authority)));
      writePrivately(file('stores.properties'), `resilog.stores.folder=${flags.folder}\nresilog.stores.password=${password}\n`);
      if (flags.json) context.output.json({ folder: flags.folder });
      else context.output.line(`the stores are in ${flags.folder}.`);
    });
}

function addIssue(certificate: Command, context: CommandContext): void {
  certificate.command('issue').summary('print the certificates of servers')
    .description('Reads {"secret", "members": [{"name", "address", "publicKey", "renewDays"}], "former"} from standard input. The'
      + ' authority derives from the secret. "former" is what was issued before, by name: it is issued again when it ends within'
      + ' renewDays, or is for another key or address.')
    .option('--json', 'one JSON object: certificates (PEM) by name, and that of the authority')
    .action(async ({ json }: { json?: boolean }) => {
      const { clock, random, output } = context;
      const { Authority } = await import('../../authority/authority');
      const { secret, members, former = {} } = parse(readFileSync(0, 'utf8'));
      const authority = await Authority.open({ secret, clock, random });
      const issued: Record<string, string> = { authority: await authority.certificate(former.authority) };
      for (const member of members) {
        if (!NAME.test(member.name)) throw new InputError(`"${member.name}" is not the name of a member`);
        issued[member.name] = await authority.issue(member, former[member.name]);
      }
      if (json) output.json(issued);
      else output.line(Object.values(issued).join(''));
    });
}

function parse(text: string): IssueRequest {
  try {
    return JSON.parse(text) as IssueRequest;
  } catch (error) {
    throw new InputError(`what came on standard input is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

function publicKeyOf(file: string): string {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writePrivately(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  }
  return createPublicKey(createPrivateKey(readText(file))).export({ type: 'spki', format: 'pem' }).toString();
}

/** Java would start with any, and answer nobody. */
function mustBeOf(file: string, key: string, certificate: string): void {
  if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) return;
  throw new ConfigurationError(`the certificate is not of the key in ${file}`, {
    remedy: 'wait until one for this key is issued: the root of a cluster does it when its partition is processed',
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigurationError(`${file} can't be read: ${messageOf(error)}`, { cause: error });
  }
}
