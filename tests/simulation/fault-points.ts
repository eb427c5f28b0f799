import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const SOURCES = join(__dirname, '..', '..', 'src');

/** A call of `faultPoint` in the sources. */
export interface FaultPoint {
  readonly name: string;
  readonly place: string;
}

/** A durable effect without a fault point behind it in the same function. */
export interface Survey {
  readonly points: readonly FaultPoint[];
  readonly effects: number;
  readonly withoutPoint: readonly string[];
}

/** Ports and what of them changes something that outlives a process. */
const EFFECTS: readonly (readonly [port: RegExp, methods: ReadonlySet<string>])[] = [
  [/journal$/, new Set(['openLane', 'insert', 'seal', 'release', 'setAsideBlock'])],
  [/states$/, new Set([
    'close', 'claim', 'keep', 'advance', 'markIndexed', 'markVerified', 'restart', 'countAttempt', 'giveUp', 'revive', 'bury',
    'removeIfEmpty', 'forget', 'setAside', 'clearSetAside', 'markQueued',
  ])],
  [/index$/, new Set(['add', 'removeIds', 'commit'])],
  [/records$/, new Set(['saveProgress', 'saveLast'])],
  [/deletions$/, new Set(['create', 'update'])],
  [/deadLetters$/, new Set(['bury'])],
  [/(?:queue|queuePort)$/, new Set(['put', 'acknowledge', 'split'])],
  [/coordination$/, new Set(['create', 'set', 'remove', 'multi', 'hold'])],
];
/** Where processes change what others rely on. */
const FOLDERS = ['producer', 'recovery', 'consumer', 'retention', 'queue', 'audit'];
const FILES = [
  'registry/locks.ts', 'registry/source-registry.ts', 'cli/commands/source.ts', 'cli/commands/queue.ts',
  'cli/commands/set-aside.ts', 'cli/commands/delete.ts',
];
/**
 * Single effects that nothing durable comes behind in their operation, by function: what is made before a cluster runs,
 * clean-up that the end of the session does as well, and the one change of an operation that its callers follow with
 * their own point.
 */
const ALONE = new Set([
  'queue/queue-tree.ts createQueueTree', 'queue/acknowledger.ts tryMulti', 'queue/queue-consumer.ts split',
  'queue/queue-administration.ts createQueueAdministration', 'registry/locks.ts removeAll',
  'cli/commands/queue.ts addPurge',
]);

/** Reads the fault points and the durable effects from the sources. */
export function survey(): Survey {
  const points: FaultPoint[] = [];
  const withoutPoint: string[] = [];
  let effects = 0;
  for (const path of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))) {
    const file = ts.createSourceFile(path, readFileSync(join(SOURCES, path), 'utf8'), ts.ScriptTarget.ES2023, true);
    const concerned = FOLDERS.some((folder) => path.startsWith(`${folder}/`)) || FILES.includes(path);
    visitCalls(file, (call) => {
      const place = `${path}:${file.getLineAndCharacterOfPosition(call.getStart()).line + 1}`;
      const point = pointOf(call);
      if (point !== undefined) points.push({ name: point, place });
      if (!concerned || !isEffect(call)) return;
      effects += 1;
      if (!hasPointBehind(call) && !ALONE.has(`${path} ${functionName(call)}`)) withoutPoint.push(`${place} ${call.getText()}`);
    });
  }
  return { points, effects, withoutPoint };
}

function visitCalls(node: ts.Node, visit: (call: ts.CallExpression) => void): void {
  if (ts.isCallExpression(node)) visit(node);
  ts.forEachChild(node, (child) => { visitCalls(child, visit); });
}

function pointOf(call: ts.CallExpression): string | undefined {
  if (!ts.isIdentifier(call.expression) || call.expression.text !== 'faultPoint') return undefined;
  const [name] = call.arguments;
  return name !== undefined && ts.isStringLiteral(name) ? name.text : '(not a plain name)';
}

function isEffect({ expression }: ts.CallExpression): boolean {
  if (!ts.isPropertyAccessExpression(expression)) return false;
  const port = expression.expression.getText();
  return EFFECTS.some(([ports, methods]) => ports.test(port) && methods.has(expression.name.text));
}

/** Whether the innermost function of some length around it has a point behind the call. */
function hasPointBehind(call: ts.CallExpression): boolean {
  for (let around: ts.Node = call.parent; !ts.isSourceFile(around); around = around.parent) {
    if (!ts.isFunctionLike(around)) continue;
    let found = false;
    visitCalls(around, (other) => { found ||= pointOf(other) !== undefined && other.getStart() > call.getEnd(); });
    if (found) return true;
    // An arrow function within the call of another, as in `retry(() => …)`: its caller goes on behind it.
    if (!ts.isArrowFunction(around) || ts.isBlock(around.body)) return false;
  }
  return false;
}

function functionName(call: ts.CallExpression): string {
  for (let around: ts.Node = call.parent; !ts.isSourceFile(around); around = around.parent) {
    if (ts.isMethodDeclaration(around)) return around.name.getText();
    if (ts.isFunctionDeclaration(around) && around.name !== undefined) return around.name.text;
  }
  return '';
}
