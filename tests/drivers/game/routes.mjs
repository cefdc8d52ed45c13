// SPDX-License-Identifier: Apache-2.0
// What the game's clients may ask for. A handler gets the path's parameters, the body and the query string,
// and returns the answer's body, or [status, body].
import { badRequest, busy, conflict, id, integer, notFound, oneOf } from './errors.mjs';
import {
  createOnce, Inventory, isDuplicate, ITEMS, Match, MODES, Player, Transfer,
} from './models.mjs';
import { move } from './money.mjs';
import { claim } from './rewards.mjs';
import { request } from './transfers.mjs';

const START_COINS = 1000;
const DAY_MILLIS = Number(process.env.GAME_DAY_MILLIS ?? 86400000);
const ATTEMPTS = 10;

const shownPlayer = ({ _id, name, balance, friends }) => ({ id: _id, name, balance, friends });
const shownTransfer = ({ _id, from, to, amount, state }) => ({ id: _id, from, to, amount, state });

async function createPlayer(_, body) {
  const player = id(body.id);
  const { name } = body;
  if (typeof name !== 'string' || name.length < 3 || name.length > 32) throw badRequest('name must have 3 to 32 letters');
  let made;
  try {
    made = await createOnce(Player, { _id: player }, { name });
  } catch (error) {
    if (isDuplicate(error)) throw conflict('this name is taken');
    throw error;
  }
  if (made.found.name !== name) throw conflict('this id stands for another player');
  await move(player, 'start', START_COINS);
  return [made.created ? 201 : 200, { id: player, name }];
}

async function getPlayer(params) {
  const found = await Player.findById(id(params.player)).lean();
  if (!found) throw notFound('player');
  return shownPlayer(found);
}

async function addFriend(params, body) {
  const pair = [id(params.player), id(body.friend, 'friend')];
  if (pair[0] === pair[1]) throw badRequest('nobody befriends themselves');
  if (await Player.countDocuments({ _id: { $in: pair } }).readConcern('majority') !== 2) throw notFound('player');
  await Player.bulkWrite([
    { updateOne: { filter: { _id: pair[0] }, update: { $addToSet: { friends: pair[1] } } } },
    { updateOne: { filter: { _id: pair[1] }, update: { $addToSet: { friends: pair[0] } } } },
  ]);
  return { friends: pair };
}

async function listFriends(params) {
  const found = await Player.findById(id(params.player), 'friends').populate('friends', 'name').lean();
  if (!found) throw notFound('player');
  return { friends: found.friends.map((friend) => ({ id: friend._id, name: friend.name })) };
}

async function grantItem(params, body) {
  const player = id(params.player);
  const grant = {
    id: id(body.id), item: oneOf(body.item, 'item', ITEMS), count: integer(body.count, 'count', 1, 100),
  };
  if (!await Player.exists({ _id: player }).readConcern('majority')) throw notFound('player');
  for (let i = 0; i < ATTEMPTS; i++) {
    try {
      await Inventory.updateOne({ _id: player, 'grants.id': { $ne: grant.id } },
        { $inc: { [`items.${grant.item}`]: grant.count }, $push: { grants: grant } }, { upsert: true });
      return grant;
    } catch (error) {
      // The player's inventory is there, and has the grant or was made by another one just now.
      if (!isDuplicate(error)) throw error;
      if (await Inventory.exists({ _id: player, 'grants.id': grant.id }).readConcern('majority')) return grant;
    }
  }
  throw busy();
}

async function getInventory(params) {
  const found = await Inventory.findById(id(params.player), 'items').lean();
  return { items: found?.items ?? {} };
}

async function claimReward(params) {
  return claim(id(params.player), Math.floor(Date.now() / DAY_MILLIS));
}

async function reportMatch(_, body) {
  const match = { mode: oneOf(body.mode, 'mode', MODES), results: [] };
  if (!Array.isArray(body.results) || body.results.length < 2 || body.results.length > 16) {
    throw badRequest('results must have 2 to 16 entries');
  }
  for (const result of body.results) {
    match.results.push({
      player: id(result?.player, 'player'), points: integer(result.points, 'points', 0, 1000000),
    });
  }
  const { found, created } = await createOnce(Match, { _id: id(body.id) }, match);
  const same = found.mode === match.mode && found.results.length === match.results.length
    && match.results.every((r, i) => r.player === found.results[i].player && r.points === found.results[i].points);
  if (!same) throw conflict('this id stands for another match');
  return [created ? 201 : 200, { id: found._id }];
}

// Leaderboards may be a little old and are read often: the secondaries answer them.
async function leaderboard(params, _, query) {
  const mode = oneOf(params.mode, 'mode', MODES);
  const limit = integer(Number(query.get('limit') ?? 10), 'limit', 1, 100);
  const rows = await Match.aggregate([
    { $match: { mode } },
    { $unwind: '$results' },
    { $group: {
      _id: '$results.player', points: { $sum: '$results.points' }, matches: { $sum: 1 }, best: { $max: '$results.points' },
    } },
    { $sort: { points: -1, _id: 1 } },
    { $limit: limit },
    { $lookup: { from: 'players', localField: '_id', foreignField: '_id', as: 'player' } },
    { $project: {
      _id: 0, id: '$_id', name: { $first: '$player.name' }, points: 1, matches: 1, best: 1,
    } },
  ]).read('secondary');
  return { mode, rows };
}

async function createTransfer(_, body) {
  const wanted = {
    id: id(body.id), from: id(body.from, 'from'), to: id(body.to, 'to'), amount: integer(body.amount, 'amount', 1, 1000000),
  };
  if (wanted.from === wanted.to) throw badRequest('from and to must differ');
  const transfer = await request(wanted);
  return [transfer.state === 'done' ? 200 : 402, shownTransfer(transfer)];
}

async function getTransfer(params) {
  const found = await Transfer.findById(id(params.transfer)).readConcern('majority').lean();
  if (!found) throw notFound('transfer');
  return shownTransfer(found);
}

export const ROUTES = [
  ['GET', '/health', () => ({ ok: true })],
  ['POST', '/players', createPlayer],
  ['GET', '/players/:player', getPlayer],
  ['POST', '/players/:player/friends', addFriend],
  ['GET', '/players/:player/friends', listFriends],
  ['POST', '/players/:player/inventory', grantItem],
  ['GET', '/players/:player/inventory', getInventory],
  ['POST', '/players/:player/reward', claimReward],
  ['POST', '/matches', reportMatch],
  ['GET', '/leaderboards/:mode', leaderboard],
  ['POST', '/transfers', createTransfer],
  ['GET', '/transfers/:transfer', getTransfer],
];
