'use strict';
// Gives mongod and ZooKeeper something to log: sessions, failures, slow commands.
const { MongoClient } = require('mongodb');
const zookeeper = require('node-zookeeper-client');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function useMongodb() {
  const client = new MongoClient('mongodb://127.0.0.1:27017/?directConnection=true', { maxPoolSize: 4 });
  await client.connect();
  const admin = client.db('admin');
  await admin.command({ replSetInitiate: { _id: 'rs0', members: [{ _id: 0, host: '127.0.0.1:27017' }] } });
  await pause(4000);
  await admin.command({ profile: 0, slowms: -1 });
  const orders = client.db('shop').collection('orders');
  for (let n = 0; n < 20; n += 1) {
    await orders.insertOne({ n, customer: `Zoë ${n}`, total: n * 7 });
    await orders.find({ customer: `Zoë ${n}` }).toArray();
    await orders.updateOne({ n }, { $inc: { total: 1 } });
  }
  await orders.createIndex({ n: 1 }, { unique: true });
  await orders.insertOne({ n: 1 }).catch(() => undefined);
  await admin.command({ profile: 0, slowms: 100 });
  for (let n = 0; n < 15; n += 1) {
    const wrong = new MongoClient(`mongodb://user${n}:wrong@127.0.0.1:27017/?directConnection=true`);
    await wrong.connect().catch(() => undefined);
    await wrong.close();
  }
  await client.close();
}

async function useZookeeper() {
  for (let n = 0; n < 30; n += 1) {
    const client = zookeeper.createClient(`192.0.2.${11 + (n % 10)}:2181`, { sessionTimeout: 2000 });
    client.on('error', () => undefined);
    client.connect();
    await new Promise((resolve) => client.once('connected', resolve));
    client.create(`/member-${n}`, zookeeper.CreateMode.EPHEMERAL, () => undefined);
    await pause(50);
    // Every third client stops answering, so that its session expires.
    if (n % 3 === 0) client.connectionManager.socket.pause();
    else client.close();
  }
  await pause(5000);
}

Promise.allSettled([useMongodb(), useZookeeper()]).then((results) => {
  console.log(results);
  process.exit(0);
});
