// SPDX-License-Identifier: Apache-2.0
// One causally consistent session per request, for every operation of it: what the request wrote or was told
// to be there, its majority reads see, also on a primary that was elected in between.
import { AsyncLocalStorage } from 'node:async_hooks';
import mongoose from 'mongoose';

const current = new AsyncLocalStorage();
const QUERIES = ['countDocuments', 'find', 'findOne', 'findOneAndUpdate', 'updateOne'];

// Runs `work` with a session of its own.
export async function causally(work) {
  const session = await mongoose.startSession({ causalConsistency: true });
  try {
    return await current.run(session, work);
  } finally {
    await session.endSession();
  }
}

// For schemas: the session goes along with whatever is asked of their models.
export function plugin(schema) {
  const join = function join() {
    const session = current.getStore();
    if (session) this.session(session);
  };
  schema.pre(QUERIES, { query: true, document: false }, join);
  schema.pre('aggregate', join);
  schema.pre('save', function joinSave() {
    const session = current.getStore();
    if (session) this.$session(session);
  });
}
