// SPDX-License-Identifier: Apache-2.0
// The game's collections. Every request carries an id of the client's choice, and every document keeps the
// ids of the requests that changed it, so that a request sent twice counts once.
import mongoose from 'mongoose';
import { plugin } from './causal.mjs';
import { busy } from './errors.mjs';

const { Schema, model } = mongoose;
mongoose.plugin(plugin);

export const MODES = ['duel', 'team', 'race'];
export const ITEMS = ['sword', 'shield', 'potion', 'key'];
export const FINAL_STATES = ['done', 'cancelled'];

const coins = { type: Number, required: true, validate: Number.isSafeInteger };

const playerSchema = new Schema({
  _id: String,
  name: { type: String, required: true, unique: true, minlength: 3, maxlength: 32 },
  balance: { ...coins, default: 0, min: 0 },
  applied: [String], // Movements that changed the balance (money.mjs), the last of them.
  refused: [String], // Movements that the balance did not suffice for.
  friends: [{ type: String, ref: 'Player' }],
}, { timestamps: true });

const inventorySchema = new Schema({
  _id: String, // The player's.
  items: { type: Map, of: Number, default: {} },
  grants: [{ _id: false, id: String, item: { type: String, enum: ITEMS }, count: Number }],
});

const matchSchema = new Schema({
  _id: String,
  mode: { type: String, required: true, enum: MODES },
  results: [{ _id: false, player: { type: String, required: true, ref: 'Player' }, points: Number }],
}, { timestamps: { createdAt: true, updatedAt: false } });
matchSchema.index({ mode: 1, createdAt: -1 });
matchSchema.index({ 'results.player': 1 });

const rewardSchema = new Schema({
  player: { type: String, required: true },
  day: { type: Number, required: true },
  amount: coins,
  state: { type: String, enum: ['claimed', 'paid'], default: 'claimed' },
}, { timestamps: true });
rewardSchema.index({ player: 1, day: 1 }, { unique: true });
rewardSchema.index({ state: 1, updatedAt: 1 });

const transferSchema = new Schema({
  _id: String,
  from: { type: String, required: true },
  to: { type: String, required: true },
  amount: { ...coins, min: 1 },
  state: { type: String, enum: ['pending', 'debited', 'credited', ...FINAL_STATES], default: 'pending' },
}, { timestamps: true });
transferSchema.index({ state: 1, updatedAt: 1 });

const ledgerSchema = new Schema({
  _id: String, // movement@player
  movement: { type: String, required: true },
  player: { type: String, required: true, index: true },
  delta: coins,
}, { timestamps: { createdAt: true, updatedAt: false } });

export const Player = model('Player', playerSchema);
export const Inventory = model('Inventory', inventorySchema);
export const Match = model('Match', matchSchema);
export const Reward = model('Reward', rewardSchema);
export const Transfer = model('Transfer', transferSchema);
export const LedgerEntry = model('LedgerEntry', ledgerSchema, 'ledger');

export const isDuplicate = (error) => error.code === 11000;

// Creates `document`, or finds the one that an earlier request made under the same `key`. What is found may
// be acknowledged: it was read from a majority.
export async function createOnce(Model, key, document) {
  try {
    return { found: (await Model.create({ ...key, ...document })).toObject(), created: true };
  } catch (error) {
    if (!isDuplicate(error)) throw error;
    const found = await Model.findOne(key).readConcern('majority').lean();
    if (found) return { found, created: false };
    // Another unique key than ours, or a write that is not committed yet.
    if (error.keyPattern && Object.keys(error.keyPattern).some((field) => !(field in key))) throw error;
    throw busy();
  }
}
