// SPDX-License-Identifier: Apache-2.0
// What a request may end with instead of an answer, and the checks of what clients send.

export class Failure extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const badRequest = (message) => new Failure(400, 'bad_request', message);
export const notFound = (what) => new Failure(404, 'not_found', `no such ${what}`);
export const conflict = (message) => new Failure(409, 'conflict', message);
export const busy = () => new Failure(503, 'busy', 'try the same request again');

// Ids are strings and nothing else: an object here would be a query operator of the client's choice.
export function id(value, field = 'id') {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(value)) throw badRequest(`${field} must be an id`);
  return value;
}

export function integer(value, field, min, max) {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw badRequest(`${field} must be an integer from ${min} to ${max}`);
  }
  return value;
}

export function oneOf(value, field, choices) {
  if (!choices.includes(value)) throw badRequest(`${field} must be one of ${choices.join(', ')}`);
  return value;
}
