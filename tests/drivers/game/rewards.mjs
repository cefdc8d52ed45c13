// SPDX-License-Identifier: Apache-2.0
// A reward per player and day. The unique index decides who claims it; paying is a movement that may repeat.
import { createOnce, Player, Reward } from './models.mjs';
import { notFound } from './errors.mjs';
import { move } from './money.mjs';

const AMOUNT = 25;

export async function pay({ player, day, amount }) {
  await move(player, `reward-${day}`, amount);
  await Reward.updateOne({ player, day, state: 'claimed' }, { $set: { state: 'paid' } });
}

export async function claim(player, day) {
  if (!await Player.exists({ _id: player }).readConcern('majority')) throw notFound('player');
  const { found, created } = await createOnce(Reward, { player, day }, { amount: AMOUNT });
  if (found.state !== 'paid') await pay(found);
  return { day, amount: found.amount, claimed: created };
}
