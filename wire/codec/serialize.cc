// SPDX-License-Identifier: Apache-2.0
#include "wire/codec/serialize.h"

#include "wire/codec/crc32c.h"

namespace septet::wire {
namespace {

template <typename T>
void Store(char* out, T value) {
  std::memcpy(out, &value, sizeof(T));
}

template <typename T>
void AppendInt(std::string* out, T value) {
  char bytes[sizeof(T)];
  Store(bytes, value);
  out->append(bytes, sizeof(T));
}

// Starts a message whose length is not known yet.
std::string StartMessage(MessageIds ids, OpCode op_code) {
  std::string out(kHeaderBytes, '\0');
  EncodeHeader({0, ids.request_id, ids.response_to, op_code}, out.data());
  return out;
}

void SetLength(std::string* message, size_t more = 0) {
  Store(message->data(), static_cast<int32_t>(message->size() + more));
}

}  // namespace

MsgPrefix EncodeMsgPrefix(MessageIds ids, uint32_t flags, size_t body_size) {
  const size_t length =
      kMsgPrefixBytes + body_size + ((flags & kChecksumPresent) != 0 ? kChecksumBytes : 0);
  MsgPrefix prefix;
  EncodeHeader({static_cast<int32_t>(length), ids.request_id, ids.response_to, OpCode::kMsg},
               prefix.data());
  Store(prefix.data() + kHeaderBytes, flags);
  prefix[kMsgPrefixBytes - 1] = 0;  // the kind of a body section
  return prefix;
}

std::array<char, kChecksumBytes> EncodeChecksum(std::span<const std::string_view> pieces) {
  uint32_t crc = 0;
  for (const std::string_view piece : pieces) {
    crc = Crc32c(piece, crc);
  }
  std::array<char, kChecksumBytes> bytes;
  Store(bytes.data(), crc);
  return bytes;
}

ReplyPrefix EncodeReplyPrefix(MessageIds ids, const OpReply& reply) {
  ReplyPrefix prefix;
  const size_t length = kReplyPrefixBytes + reply.documents.bytes().size();
  EncodeHeader({static_cast<int32_t>(length), ids.request_id, ids.response_to, OpCode::kReply},
               prefix.data());
  Store(prefix.data() + 16, reply.flags | kAwaitCapable);
  Store(prefix.data() + 20, reply.cursor_id);
  Store(prefix.data() + 28, reply.starting_from);
  Store(prefix.data() + 32, reply.documents.count());
  return prefix;
}

std::string SerializeMsg(MessageIds ids, uint32_t flags, bson::DocView body,
                         std::span<const DocumentSequence> sequences) {
  std::string out = StartMessage(ids, OpCode::kMsg);
  AppendInt(&out, flags);
  out.push_back(0);
  out.append(body.raw());
  for (const DocumentSequence& sequence : sequences) {
    out.push_back(1);
    AppendInt(&out, static_cast<int32_t>(4 + sequence.identifier.size() + 1 +
                                         sequence.documents.bytes().size()));
    out.append(sequence.identifier);
    out.push_back('\0');
    out.append(sequence.documents.bytes());
  }
  if ((flags & kChecksumPresent) == 0) {
    SetLength(&out);
    return out;
  }
  SetLength(&out, kChecksumBytes);
  AppendInt(&out, Crc32c(out));
  return out;
}

std::string SerializeReply(MessageIds ids, const OpReply& reply) {
  const ReplyPrefix prefix = EncodeReplyPrefix(ids, reply);
  std::string out(prefix.data(), prefix.size());
  out.append(reply.documents.bytes());
  return out;
}

std::string SerializeQuery(MessageIds ids, const OpQuery& query) {
  std::string out = StartMessage(ids, OpCode::kQuery);
  AppendInt(&out, query.flags);
  out.append(query.ns);
  out.push_back('\0');
  AppendInt(&out, query.skip);
  AppendInt(&out, query.number_to_return);
  out.append(query.query.raw());
  if (query.has_projection) {
    out.append(query.projection.raw());
  }
  SetLength(&out);
  return out;
}

}  // namespace septet::wire
