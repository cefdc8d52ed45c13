// SPDX-License-Identifier: Apache-2.0
// The backend's process: HTTP and JSON on a free port of 127.0.0.1. Prints "listening PORT" once it serves,
// and ends when its input does. usage: node server.mjs mongodb://...
import http from 'node:http';
import process from 'node:process';
import mongoose from 'mongoose';
import { causally } from './causal.mjs';
import { badRequest, Failure } from './errors.mjs';
import { run as runRecovery } from './recovery.mjs';
import { ROUTES } from './routes.mjs';

const MAX_BODY_BYTES = 16384;

function match(pattern, path) {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const params = {};
  for (const [i, part] of wanted.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = given[i];
    else if (part !== given[i]) return null;
  }
  return params;
}

function route(method, path) {
  const found = ROUTES.map(([m, pattern, handler]) => ({ m, handler, params: match(pattern, path) }))
    .filter(({ params }) => params);
  if (!found.length) throw new Failure(404, 'not_found', 'no such path');
  const chosen = found.find(({ m }) => m === method);
  if (!chosen) throw new Failure(405, 'method_not_allowed', `only ${found.map(({ m }) => m).join(', ')} here`);
  return chosen;
}

async function readBody(request) {
  if (request.method === 'GET') return {};
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new Failure(413, 'too_large', `at most ${MAX_BODY_BYTES} bytes`);
    parts.push(part);
  }
  let body;
  try {
    body = parts.length ? JSON.parse(Buffer.concat(parts).toString('utf8')) : {};
  } catch {
    throw badRequest('the body is no JSON');
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw badRequest('the body must be an object');
  return body;
}

// The database is away or changing its primary: the client may send the same request again.
function isTemporary(given) {
  const error = given.errorResponse instanceof Error ? given.errorResponse : given; // of a bulk write
  return error instanceof mongoose.mongo.MongoNetworkError
    || error instanceof mongoose.mongo.MongoServerSelectionError
    || ['RetryableWriteError', 'RetryableError', 'SystemOverloadedError'].some((label) => error.hasErrorLabel?.(label))
    || [10107, 13435, 13436, 11600, 11602, 189, 91, 64, 100].includes(error.code)
    || ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(error.cause?.code ?? error.code);
}

function asFailure(error) {
  if (error instanceof Failure) return error;
  if (error instanceof mongoose.Error.ValidationError) return badRequest(error.message);
  if (isTemporary(error)) return new Failure(503, 'unavailable', error.message);
  console.error(error);
  return new Failure(500, 'internal', error.message);
}

async function answer(request) {
  const url = new URL(request.url, 'http://127.0.0.1');
  const { handler, params } = route(request.method, url.pathname);
  const body = await readBody(request);
  const result = await causally(() => handler(params, body, url.searchParams));
  return Array.isArray(result) ? result : [200, result];
}

async function serve(request, response) {
  let status;
  let body;
  try {
    [status, body] = await answer(request);
  } catch (error) {
    const failure = asFailure(error);
    ({ status } = failure);
    body = { error: failure.code, message: failure.message };
    // The rest of a body that was not read is no next request.
    if (!request.complete) response.setHeader('connection', 'close');
    if (status === 503) response.setHeader('retry-after', '1');
  }
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

async function main() {
  process.stdin.resume().on('close', () => process.exit(0));
  await mongoose.connect(process.argv[2], {
    dbName: 'game', writeConcern: { w: 'majority' }, serverSelectionTimeoutMS: 8000, autoIndex: false,
  });
  for (const model of Object.values(mongoose.models)) await model.createIndexes();
  runRecovery();
  const server = http.createServer(serve);
  server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
}

await main();
