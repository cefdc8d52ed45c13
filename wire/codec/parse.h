// SPDX-License-Identifier: Apache-2.0
// Bytes from strangers to messages: every length is checked, every document validated. Rules
// S01-015 .. S01-028 of the surface; error numbers as a mongod gives them. There is no way to
// switch the validation off (net.wireObjectCheck, S01-028): views trust the lengths inside
// documents. Thread rule: pure functions.
#pragma once

#include <string_view>

#include "base/status.h"
#include "wire/codec/message.h"

namespace septet::wire {

// What the receiver does with a message that does not parse.
enum class Verdict {
  kHandle,         // it parsed
  kReply,          // answer with the status, the connection lives on
  kReplyAndClose,  // answer with the status, then close
  kClose,          // close without a word
};

struct ParseResult {
  Verdict verdict = Verdict::kHandle;
  Status status;  // not ok unless kHandle
  MessageHeader header;
  // On kReply and kReplyAndClose it holds the right alternative and, of an OpMsg, its flags:
  // whether the client wants an answer at all and one with a checksum.
  Message message;
};

// `bytes` must be exactly one message, its header included, and not an OP_COMPRESSED (see
// compress.h). Views in the result point into `bytes`.
//
// OP_MSG: 223 unknown required flag, 233 too many sequences, 288 wrong checksum (all three close
// without a reply); 40430 two bodies, 40431 sequence given twice, 40432 section of unknown kind
// (answered, then closed), 40433 field both in body and as sequence, 40587 no body, 22 InvalidBSON,
// 15 Overflow (depth), 10334 BSONObjectTooLarge.
// OP_COMMAND, OP_COMMANDREPLY, the dead OP_MSG and unknown opcodes: ProtocolError, close.
ParseResult Parse(std::string_view bytes);

}  // namespace septet::wire
