// SPDX-License-Identifier: Apache-2.0
// The current Node driver: connect, CRUD, aggregate, duplicate key, change of primary. Run by run.py.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import process from 'node:process';
import { Decimal128, Long, MongoClient, ObjectId } from 'mongodb';

async function crud(players) {
  const inserted = await players.insertMany([
    { _id: 1, name: 'Ada', score: 10, since: new Date(0), money: Decimal128.fromString('1.50') },
    { _id: 2, name: 'Bob', score: 20, wins: Long.fromString('9007199254740993') },
    { _id: 3, name: 'Cyd', score: 30, tags: ['a', 'b'] },
  ]);
  assert.equal(inserted.insertedCount, 3);
  const { insertedId } = await players.insertOne({ name: 'Dan', score: 40 });
  assert.ok(insertedId instanceof ObjectId);
  assert.equal((await players.findOne({ _id: 1 })).money.toString(), '1.50');
  const names = await players.find({ score: { $gte: 20 } }).sort({ score: -1 }).project({ _id: 0, name: 1 }).toArray();
  assert.deepEqual(names, [{ name: 'Dan' }, { name: 'Cyd' }, { name: 'Bob' }]);
  const updated = await players.updateMany({ score: { $lt: 25 } }, { $inc: { score: 1 } });
  assert.deepEqual([updated.matchedCount, updated.modifiedCount], [2, 2]);
  const upserted = await players.updateOne({ _id: 9 }, { $set: { name: 'Eve' } }, { upsert: true });
  assert.equal(upserted.upsertedId, 9);
  const changed = await players.findOneAndUpdate({ _id: 2 }, { $set: { name: 'Bo' } }, { returnDocument: 'after' });
  assert.equal(changed.name, 'Bo');
  assert.equal((await players.deleteOne({ _id: 9 })).deletedCount, 1);
  assert.equal(await players.countDocuments(), 4);
  assert.equal(await players.estimatedDocumentCount(), 4);
  assert.deepEqual((await players.distinct('score')).sort(), [11, 21, 30, 40]);
  const bulk = await players.bulkWrite([
    { insertOne: { document: { _id: 20 } } },
    { updateOne: { filter: { _id: 20 }, update: { $set: { a: 1 } } } },
    { deleteOne: { filter: { _id: 20 } } },
  ]);
  assert.deepEqual([bulk.insertedCount, bulk.modifiedCount, bulk.deletedCount], [1, 1, 1]);
}

async function manyDocuments(collection) {
  await collection.insertMany(Array.from({ length: 2500 }, (_, i) => ({ _id: i })));
  let seen = 0;
  for await (const document of collection.find().sort({ _id: 1 }).batchSize(100)) {
    assert.equal(document._id, seen++);
  }
  assert.equal(seen, 2500);
}

// Retryable writes hide the change, but since 7.x the driver takes a refused connection for an overloaded
// server and gives up before it has found the new primary, and hands on the EPIPE of a socket that the
// server had closed. Nothing was sent in either case, so the write may be sent again.
async function throughTheChange(write) {
  const deadline = Date.now() + 20000;
  for (;;) {
    try {
      return await write();
    } catch (e) {
      if (!['ECONNREFUSED', 'EPIPE'].includes(e.cause?.code ?? e.code) || Date.now() > deadline) throw e;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }
}

async function main() {
  const client = new MongoClient(process.argv[2], { w: 'majority' });
  await client.connect();
  console.log('connected');
  const db = client.db('smoke_node');
  const players = db.collection('players');
  await crud(players);
  console.log('crud');
  await manyDocuments(db.collection('many'));
  console.log('cursors');
  const groups = await players.aggregate([
    { $match: { score: { $exists: true } } },
    { $group: { _id: { $gt: ['$score', 25] }, total: { $sum: '$score' } } },
    { $sort: { _id: 1 } },
  ]).toArray();
  assert.deepEqual(groups, [{ _id: false, total: 32 }, { _id: true, total: 70 }]);
  console.log('aggregate');
  assert.equal(await players.createIndex({ name: 1 }, { unique: true }), 'name_1');
  assert.deepEqual((await players.indexes()).map((i) => i.name), ['_id_', 'name_1']);
  await assert.rejects(players.insertOne({ name: 'Ada' }),
    (e) => e.code === 11000 && /E11000 duplicate key error collection: smoke_node\.players index: name_1/.test(e.message)
      && e.keyPattern.name === 1 && e.keyValue.name === 'Ada');
  console.log('duplicate key');
  const secondary = await players.find({}, { readPreference: 'secondary' }).toArray();
  assert.equal(secondary.length, 4);
  console.log('secondary read');
  console.log('FAILOVER');
  await once(process.stdin, 'data');
  for (let i = 0; i < 50; i++) await throughTheChange(() => players.updateOne({ _id: 1 }, { $inc: { seen: 1 } }));
  assert.equal((await players.findOne({ _id: 1 })).seen, 50);
  console.log('failover');
  await db.dropDatabase();
  await client.close();
  console.log('ok');
  process.exit(0);
}

await main();
