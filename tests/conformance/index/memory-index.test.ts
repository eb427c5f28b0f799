import { MemoryIndex } from '../../../src/index/memory-index';
import { describeLogIndex } from './log-index-suite';

describeLogIndex('in memory', async () => {
  const index = new MemoryIndex({ idsOfAPage: 1 });
  await index.prepare('logs');
  return { index, collection: 'logs' };
});
