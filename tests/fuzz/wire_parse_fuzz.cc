// SPDX-License-Identifier: Apache-2.0
// Any bytes as one message: the length field is made right (the sockets check it), the rest is the
// fuzzer's. What parses is walked completely and written again.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/check.h"
#include "wire/codec/compress.h"
#include "wire/codec/crc32c.h"
#include "wire/codec/parse.h"
#include "wire/codec/serialize.h"

namespace {

using septet::bson::DocView;

size_t Walk(DocView doc) {
  size_t sum = 0;
  for (const auto& element : doc) {
    sum += element.name().size() + element.raw().size();
    const auto value = element.value();
    if (value.is_object() || value.is_array()) {
      sum += Walk(value.AsAnyDoc());
    }
  }
  return sum;
}

void CheckMsg(const septet::wire::OpMsg& msg, const septet::wire::MessageHeader& header) {
  using namespace septet::wire;  // NOLINT
  size_t sum = Walk(msg.body) + msg.command_name().size();
  for (const DocumentSequence& sequence : msg.sequences) {
    int32_t count = 0;
    for (const DocView doc : sequence.documents) {
      sum += Walk(doc);
      ++count;
    }
    P_CHECK(count == sequence.documents.count());
  }
  P_CHECK(sum <= size_t{256} * 1024 * 1024);
  const std::string again =
      SerializeMsg({header.request_id, header.response_to}, msg.flags, msg.body, msg.sequences);
  P_CHECK(again.size() == static_cast<size_t>(header.message_length));
  const ParseResult second = Parse(again);
  P_CHECK(second.status.ok());
  P_CHECK(std::get<OpMsg>(second.message).body.raw() == msg.body.raw());
}

void One(const std::string& message) {
  using namespace septet::wire;  // NOLINT
  const ParseResult result = Parse(message);
  P_CHECK(result.status.ok() == (result.verdict == Verdict::kHandle));
  if (!result.status.ok()) {
    return;
  }
  if (const auto* msg = std::get_if<OpMsg>(&result.message)) {
    CheckMsg(*msg, result.header);
  } else if (const auto* query = std::get_if<OpQuery>(&result.message)) {
    Walk(query->query);
    Walk(query->projection);
    P_CHECK(query->command_name().size() <= message.size());
  } else if (const auto* insert = std::get_if<OpInsert>(&result.message)) {
    for (const DocView doc : insert->documents) {
      Walk(doc);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace septet::wire;  // NOLINT
  std::string message(reinterpret_cast<const char*>(data), size);
  if (message.size() < kHeaderBytes + 5) {
    message.resize(kHeaderBytes + 5);
  }
  const auto length = static_cast<int32_t>(message.size());
  std::memcpy(message.data(), &length, sizeof(length));
  MessageHeader header = DecodeHeader(message.data());
  if (header.op_code == OpCode::kCompressed) {
    static Compressor compressor;
    std::string inner;
    CompressorId id{};
    if (compressor.Decompress(message, &inner, &id).ok()) {
      One(inner);
    }
    return 0;
  }
  if (header.op_code == OpCode::kMsg && (static_cast<uint8_t>(message[16]) & 1) != 0 && size > 40) {
    // Nobody guesses a checksum: make every other one right.
    const std::string_view covered = std::string_view(message).substr(0, message.size() - 4);
    const uint32_t crc = Crc32c(covered);
    std::memcpy(message.data() + covered.size(), &crc, sizeof(crc));
  }
  One(message);
  return 0;
}
