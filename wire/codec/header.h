// SPDX-License-Identifier: Apache-2.0
// The 16 bytes in front of every message, and the opcodes. Source: the manual's "Wire Protocol"
// page. All integers are little-endian (S01-015). Thread rule: values.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/limits.h"

namespace septet::wire {

enum class OpCode : int32_t {
  kReply = 1,
  kDeadMsg = 1000,  // never used by a living client; rejected (S01-013)
  kUpdate = 2001,
  kInsert = 2002,
  kQuery = 2004,
  kGetMore = 2005,
  kDelete = 2006,
  kKillCursors = 2007,
  kCommand = 2010,       // internal to 3.2-4.0; rejected (S01-012)
  kCommandReply = 2011,  // likewise
  kCompressed = 2012,
  kMsg = 2013,
};

inline constexpr size_t kHeaderBytes = 16;

struct MessageHeader {
  int32_t message_length = 0;  // of the whole message, header included
  int32_t request_id = 0;
  int32_t response_to = 0;  // in a reply: the request's request_id (S01-017)
  OpCode op_code = OpCode::kMsg;
};

// Requires kHeaderBytes bytes.
inline MessageHeader DecodeHeader(const char* bytes) {
  MessageHeader header;
  static_assert(sizeof(header) == kHeaderBytes);
  std::memcpy(&header, bytes, kHeaderBytes);  // the product runs on little-endian machines only
  return header;
}
// Writes kHeaderBytes bytes.
inline void EncodeHeader(const MessageHeader& header, char* out) {
  std::memcpy(out, &header, kHeaderBytes);
}

// Outside these bounds the connection is closed without a reply (S01-016).
inline bool IsAcceptableLength(int32_t message_length) {
  return message_length >= static_cast<int32_t>(kHeaderBytes) &&
         message_length <= limits::kMaxMessageSizeBytes;
}

// The methods of HTTP as they would stand in place of message_length: "GET ", "POST", ...
// (S01-031). Requires 4 bytes.
bool LooksLikeHttp(const char* first_bytes);

}  // namespace septet::wire
