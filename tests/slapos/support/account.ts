import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { run, type Run } from '../../support/checkout';

/** An ordinary user: the one who runs the tests, or one made for them when that is root. slapgrid refuses root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  /** Runs a program as this user to its end. */
  run(program: string, args: readonly string[], options: { cwd: string; home: string; path?: string }): Promise<Run>;
  /** Starts a program as this user and returns its process id. */
  start(program: string, args: readonly string[], options: { cwd: string; home: string }): number;
  remove(): Promise<void>;
}

/** What a build needs of its surroundings: where packages come from, and whom to trust. */
const PASSED_ON = /^(PIP_|SSL_CERT_|REQUESTS_CA_|CURL_CA_|NODE_EXTRA_CA_|NODE_USE_SYSTEM_CA|LANG$|(https?|no|all)_proxy$|npm_config_(registry|cafile|https?-proxy)$)/i;
const TEMPORARY_NAME = 'resilog-slapos';

export async function ordinaryUser(): Promise<Account> {
  if (process.getuid?.() !== 0) {
    const { uid, gid, username } = userInfo();
    return account(uid, gid, username, () => Promise.resolve());
  }
  const name = `${TEMPORARY_NAME}-${process.pid}`;
  const made = await run('useradd', ['--no-create-home', '--shell', '/bin/sh', name]);
  if (made.code !== 0) throw new Error(`no user could be made: ${made.stderr}`);
  const id = async (flag: string): Promise<number> => Number((await run('id', [flag, name])).stdout);
  return account(await id('-u'), await id('-g'), name, async () => { await run('userdel', [name]); });
}

/** A Python that this user may run: that of root may lie in root's own folder. */
export async function pythonFor(user: Account): Promise<string> {
  const candidates = [process.env.PYTHON, '/usr/bin/python3', 'python3'].filter((path) => path !== undefined);
  for (const candidate of candidates) {
    if (candidate.startsWith('/') && !existsSync(candidate)) continue;
    const { code } = await user.run(candidate, ['-c', 'import ensurepip, venv'], { cwd: '/', home: '/' });
    if (code === 0) return candidate;
  }
  throw new Error('there is no Python with venv that an ordinary user may run: name one in PYTHON');
}

function account(uid: number, gid: number, name: string, remove: () => Promise<void>): Account {
  const settings = (cwd: string, home: string, path = '/usr/local/bin:/usr/bin:/bin') => {
    const kept = Object.entries(process.env).filter(([key]) => PASSED_ON.test(key));
    const env = { ...Object.fromEntries(kept), HOME: home, USER: name, LOGNAME: name, PATH: path };
    return { cwd, env, ...(process.getuid?.() === 0 ? { uid, gid } : {}) };
  };
  return {
    uid, gid, name, remove,
    run: (program, args, { cwd, home, path }) => new Promise((resolve) => {
      const child = spawn(program, args, { ...settings(cwd, home, path), stdio: ['ignore', 'pipe', 'pipe'] });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
      child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
      child.on('error', (error) => { resolve({ code: 127, stdout, stderr: stderr + error.message }); });
      child.on('close', (code) => { resolve({ code, stdout, stderr }); });
    }),
    start: (program, args, { cwd, home }) => {
      const child = spawn(program, args, { ...settings(cwd, home), stdio: 'ignore', detached: true });
      child.unref();
      return child.pid ?? 0;
    },
  };
}

/** Command lines of all processes of this user, by process id. */
export function processesOf(user: Account): Map<number, string> {
  const { stdout } = spawnSync('ps', ['-u', String(user.uid), '-o', 'pid=,stat=,args=', '-ww'], { encoding: 'utf8' });
  const found = stdout.split('\n').map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && !match[2]?.startsWith('Z'));
  return new Map(found.map((match) => [Number(match?.[1]), match?.[3] ?? '']));
}
