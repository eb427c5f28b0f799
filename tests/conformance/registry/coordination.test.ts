import { systemClock } from '../../../src/clock';
import { MemoryCoordinationServer, type MemoryCoordination } from '../../../src/registry/memory-coordination';
import { coordinationSuite } from './coordination-suite';
import { openZooKeeperWorld } from './zookeeper-world';

coordinationSuite('memory', async () => {
  const server = new MemoryCoordinationServer({ clock: systemClock });
  const opened: MemoryCoordination[] = [];
  return {
    connect: async () => {
      const coordination = server.connect();
      opened.push(coordination);
      return {
        coordination,
        loseConnection: async () => { coordination.loseConnection(); },
        reconnect: async () => { coordination.reconnect(); },
        expireSession: async () => { coordination.expireSession(); },
      };
    },
    close: async () => {
      await Promise.all(opened.map((coordination) => coordination.close()));
    },
  };
});

coordinationSuite('ZooKeeper', openZooKeeperWorld);
