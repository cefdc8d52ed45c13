// SPDX-License-Identifier: Apache-2.0
// OP_COMPRESSED both ways: noop, snappy, zlib, zstd (S01-032 .. S01-037).
//
// The size of the result is known before anything is unpacked and never exceeds the message limit,
// so a hostile message cannot make the server allocate more than one message. Thread rule: a
// Compressor is owned by one thread (it keeps the state of zstd); the free functions are
// thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "wire/codec/header.h"

namespace septet::wire {

enum class CompressorId : uint8_t { kNoop = 0, kSnappy = 1, kZlib = 2, kZstd = 3 };

// "snappy", "zlib", "zstd", "noop".
std::string_view NameOf(CompressorId id);
// None for a name that is not one of the above.
std::optional<CompressorId> CompressorByName(std::string_view name);

// The server's default order (S01-034).
std::vector<CompressorId> DefaultCompressors();
// Reads "snappy,zstd,zlib" or "disabled" (an empty list), as in net.compression.compressors.
// Error: BadValue for an unknown name.
StatusOr<std::vector<CompressorId>> ParseCompressorList(std::string_view list);
// What both sides know, in the server's order (S01-033).
std::vector<CompressorId> NegotiateCompressors(std::span<const CompressorId> configured,
                                               std::span<const std::string_view> offered);

// False for the commands that carry secrets or come before the negotiation (S01-035).
bool MayCompressReply(std::string_view command_name);

// The fields between the header and the packed bytes.
struct CompressedFrame {
  OpCode original_op_code = OpCode::kMsg;
  int32_t uncompressed_size = 0;  // of the inner message without its header
  CompressorId compressor = CompressorId::kNoop;
  std::string_view bytes;
};
// `message` is a whole OP_COMPRESSED. Errors: ProtocolError for a short message, a nested
// OP_COMPRESSED, a size beyond the limit or an unknown compressor.
StatusOr<CompressedFrame> ParseCompressedFrame(std::string_view message);

class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // Unpacks a whole OP_COMPRESSED into the whole inner message, header included, with the request
  // id and response_to of the outer one. `*id` receives the compressor used. Errors: those of
  // ParseCompressedFrame, BadValue for bytes that do not unpack to the size told.
  Status Decompress(std::string_view message, std::string* inner, CompressorId* id);

  // Packs a whole message given in `parts` (its header stands at the start of parts[0]) into a
  // whole OP_COMPRESSED, which replaces `*out`.
  Status Compress(std::span<const std::string_view> parts, CompressorId id, std::string* out);

 private:
  struct Zstd;
  Status Unpack(const CompressedFrame& frame, char* out);
  std::unique_ptr<Zstd> zstd_;
  std::string scratch_;
};

}  // namespace septet::wire
