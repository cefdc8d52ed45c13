// SPDX-License-Identifier: Apache-2.0
// Transfers of coins between players without transactions: pending -> debited -> credited -> done, or
// pending -> cancelled. Every step may be repeated by anybody at any time: the request's handler, a retry of
// it on another backend, and the recovery worker all do the same.
import { busy, conflict, notFound } from './errors.mjs';
import { createOnce, FINAL_STATES, Player, Transfer } from './models.mjs';
import { move } from './money.mjs';

const ATTEMPTS = 50;

async function become(transfer, state) {
  await Transfer.updateOne({ _id: transfer._id, state: transfer.state }, { $set: { state } });
}

const STEPS = {
  async pending(transfer) {
    const applied = await move(transfer.from, transfer._id, -transfer.amount);
    await become(transfer, applied ? 'debited' : 'cancelled');
  },
  async debited(transfer) {
    await move(transfer.to, transfer._id, transfer.amount);
    await become(transfer, 'credited');
  },
  async credited(transfer) {
    await become(transfer, 'done');
  },
};

// Takes the transfer to its end and returns it. The state is read from a majority, as it is acknowledged.
export async function finish(transferId) {
  for (let i = 0; i < ATTEMPTS; i++) {
    const transfer = await Transfer.findById(transferId).readConcern('majority').lean();
    if (!transfer) throw notFound('transfer');
    if (FINAL_STATES.includes(transfer.state)) return transfer;
    await STEPS[transfer.state](transfer);
  }
  throw busy();
}

export async function request({ id, from, to, amount }) {
  const known = await Player.countDocuments({ _id: { $in: [from, to] } }).readConcern('majority');
  if (known !== 2) throw notFound('player');
  const { found } = await createOnce(Transfer, { _id: id }, { from, to, amount });
  if (found.from !== from || found.to !== to || found.amount !== amount) {
    throw conflict('this id stands for another transfer');
  }
  return finish(id);
}
