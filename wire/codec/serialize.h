// SPDX-License-Identifier: Apache-2.0
// Messages to bytes. Replies are written as pieces around a body that is never copied: prefix,
// body, and a checksum where the request had one (S01-023); one gathering write sends them. Thread
// rule: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "bson/view.h"

#include "wire/codec/message.h"

namespace septet::wire {

// Header, flag bits and the kind byte of the body section.
inline constexpr size_t kMsgPrefixBytes = kHeaderBytes + 4 + 1;
inline constexpr size_t kChecksumBytes = 4;
// Header and the fixed fields of OP_REPLY.
inline constexpr size_t kReplyPrefixBytes = kHeaderBytes + 20;

// Ids of an outgoing message; the server counts its own request ids upwards.
struct MessageIds {
  int32_t request_id = 0;
  int32_t response_to = 0;
};

using MsgPrefix = std::array<char, kMsgPrefixBytes>;
// `flags` may contain kChecksumPresent: the length then includes the checksum that must follow.
MsgPrefix EncodeMsgPrefix(MessageIds ids, uint32_t flags, size_t body_size);
// CRC32C over the pieces, as the four bytes that end the message.
std::array<char, kChecksumBytes> EncodeChecksum(std::span<const std::string_view> pieces);

using ReplyPrefix = std::array<char, kReplyPrefixBytes>;
// OP_REPLY: `documents` is what follows the prefix. kAwaitCapable is added to the flags.
ReplyPrefix EncodeReplyPrefix(MessageIds ids, const OpReply& reply);

// Whole messages, for clients, tests and tools.
std::string SerializeMsg(MessageIds ids, uint32_t flags, bson::DocView body,
                         std::span<const DocumentSequence> sequences = {});
std::string SerializeReply(MessageIds ids, const OpReply& reply);
std::string SerializeQuery(MessageIds ids, const OpQuery& query);

}  // namespace septet::wire
