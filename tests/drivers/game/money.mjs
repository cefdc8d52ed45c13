// SPDX-License-Identifier: Apache-2.0
// One change of one balance. Invariant: a movement's id changes a player's balance at most once, and the
// ledger has an entry for it exactly if it did (or will have: whoever started the movement repeats it).
import { busy, notFound } from './errors.mjs';
import { createOnce, LedgerEntry, Player } from './models.mjs';

// A repeated movement comes at most this many movements of the same player later.
const REMEMBERED = 2000;
const ATTEMPTS = 20;

const remember = (movement) => ({ $each: [movement], $slice: -REMEMBERED });

// Whether the balance is changed by this movement; undefined while it is neither applied nor refused.
// Reads what a majority has: what only one member knows could be rolled back while the ledger is written.
async function outcome(player, movement) {
  const found = await Player.findById(player, { applied: 1, refused: 1 }).readConcern('majority').lean();
  if (!found) throw notFound('player');
  if (found.applied.includes(movement)) return true;
  return found.refused.includes(movement) ? false : undefined;
}

async function decide(player, movement, delta) {
  const open = { _id: player, applied: { $ne: movement }, refused: { $ne: movement } };
  for (let i = 0; i < ATTEMPTS; i++) {
    const enough = delta < 0 ? { balance: { $gte: -delta } } : {};
    const change = { $inc: { balance: delta }, $push: { applied: remember(movement) } };
    if ((await Player.updateOne({ ...open, ...enough }, change)).modifiedCount === 1) return true;
    if (delta < 0) {
      // Refused for good, on the same document: nobody who still sees the movement open can apply it later.
      await Player.updateOne({ ...open, balance: { $lt: -delta } }, { $push: { refused: remember(movement) } });
    }
    const decided = await outcome(player, movement);
    if (decided !== undefined) return decided;
  }
  throw busy();
}

// Applies the movement unless it was before; returns whether it is applied (false: insufficient funds).
export async function move(player, movement, delta) {
  const applied = await decide(player, movement, delta);
  if (applied) {
    await createOnce(LedgerEntry, { _id: `${movement}@${player}` }, { movement, player, delta });
  }
  return applied;
}
