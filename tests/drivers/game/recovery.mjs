// SPDX-License-Identifier: Apache-2.0
// Resumes what a request began and nobody finished: its backend died, or the database was away too long.
import { causally } from './causal.mjs';
import { Reward, Transfer } from './models.mjs';
import { pay } from './rewards.mjs';
import { finish } from './transfers.mjs';

const PERIOD_MILLIS = 500;
const UNTOUCHED_MILLIS = 2000;
const BATCH = 50;

async function resume() {
  const updatedAt = { $lt: new Date(Date.now() - UNTOUCHED_MILLIS) };
  const transfers = await Transfer.find({ state: { $in: ['pending', 'debited', 'credited'] }, updatedAt })
    .sort({ updatedAt: 1 }).limit(BATCH).lean();
  for (const transfer of transfers) await causally(() => finish(transfer._id));
  const rewards = await Reward.find({ state: 'claimed', updatedAt }).readConcern('majority').limit(BATCH).lean();
  for (const reward of rewards) await causally(() => pay(reward));
}

// One round after the other, for as long as the process lives. A round that fails is tried again.
export async function run() {
  for (;;) {
    try {
      await resume();
    } catch (error) {
      console.error(`recovery: ${error.message}`);
    }
    await new Promise((resolve) => { setTimeout(resolve, PERIOD_MILLIS).unref(); });
  }
}
