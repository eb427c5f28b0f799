import { systemClock } from '../../../src/clock';
import { MemoryCoordinationServer, type MemoryCoordination } from '../../../src/registry/memory-coordination';
import { openZooKeeperWorld } from '../registry/zookeeper-world';
import { queueSuite } from './queue-suite';

queueSuite('memory', async () => {
  const server = new MemoryCoordinationServer({ clock: systemClock });
  const opened: MemoryCoordination[] = [];
  return {
    connect: async () => {
      const coordination = server.connect();
      opened.push(coordination);
      return { coordination, expireSession: async () => { coordination.expireSession(); } };
    },
    close: async () => {
      await Promise.all(opened.map((coordination) => coordination.close()));
    },
  };
});

queueSuite('ZooKeeper', openZooKeeperWorld);
