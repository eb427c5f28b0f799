import { after } from 'mocha';
import { SlaposNode } from './slapos-node';

let starting: Promise<SlaposNode> | undefined;

/** One node for all files of tests, with the release built from its address: building takes minutes. */
export function sharedNode(): Promise<SlaposNode> {
  starting ??= start();
  return starting;
}

async function start(): Promise<SlaposNode> {
  const node = await SlaposNode.start();
  try {
    await node.build(node.releaseUrl);
    return node;
  } catch (error) {
    await node.remove();
    throw error;
  }
}

// Outside of any suite: once, when all of them are over.
after(async function () {
  this.timeout(300_000);
  // What kept it from starting is known to the tests that wanted it.
  await (await starting?.catch(() => undefined))?.remove();
});
