// SPDX-License-Identifier: Apache-2.0
#include "wire/codec/compress.h"

#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "base/strings.h"

namespace septet::wire {
namespace {

// originalOpcode, uncompressedSize, compressorId.
constexpr size_t kFrameBytes = kHeaderBytes + 4 + 4 + 1;
constexpr CompressorId kAll[] = {CompressorId::kNoop, CompressorId::kSnappy, CompressorId::kZlib,
                                 CompressorId::kZstd};

// Commands that carry secrets, or that come before both sides know each other's compressors.
constexpr std::string_view kNeverCompressed[] = {
    "authenticate", "copydb",   "copydbSaslStart", "copydbgetnonce", "createUser", "getnonce",
    "hello",        "isMaster", "ismaster",        "saslContinue",   "saslStart",  "updateUser"};

Status CannotUnpack(CompressorId id) {
  return Error(ErrorCode::kBadValue,
               StrCat("Invalid compressed message: ", NameOf(id), " cannot unpack it"));
}

Status CannotPack(CompressorId id) {
  return Error(ErrorCode::kInternalError, StrCat("Could not compress a message with ", NameOf(id)));
}

}  // namespace

std::string_view NameOf(CompressorId id) {
  switch (id) {
    case CompressorId::kNoop:
      return "noop";
    case CompressorId::kSnappy:
      return "snappy";
    case CompressorId::kZlib:
      return "zlib";
    case CompressorId::kZstd:
      return "zstd";
  }
  return "unknown";
}

std::optional<CompressorId> CompressorByName(std::string_view name) {
  for (const CompressorId id : kAll) {
    if (NameOf(id) == name) {
      return id;
    }
  }
  return std::nullopt;
}

std::vector<CompressorId> DefaultCompressors() {
  return {CompressorId::kSnappy, CompressorId::kZstd, CompressorId::kZlib};
}

StatusOr<std::vector<CompressorId>> ParseCompressorList(std::string_view list) {
  std::vector<CompressorId> result;
  if (list == "disabled") {
    return result;
  }
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string_view name = list.substr(0, comma);
    const std::optional<CompressorId> id = CompressorByName(name);
    if (!id) {
      return Error(ErrorCode::kBadValue,
                   StrCat("Invalid network message compressor specified: ", name));
    }
    if (std::find(result.begin(), result.end(), *id) == result.end()) {
      result.push_back(*id);
    }
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return result;
}

std::vector<CompressorId> NegotiateCompressors(std::span<const CompressorId> configured,
                                               std::span<const std::string_view> offered) {
  std::vector<CompressorId> both;
  for (const CompressorId id : configured) {
    if (std::find(offered.begin(), offered.end(), NameOf(id)) != offered.end()) {
      both.push_back(id);
    }
  }
  return both;
}

bool MayCompressReply(std::string_view command_name) {
  return std::find(std::begin(kNeverCompressed), std::end(kNeverCompressed), command_name) ==
         std::end(kNeverCompressed);
}

StatusOr<CompressedFrame> ParseCompressedFrame(std::string_view message) {
  if (message.size() < kFrameBytes) {
    return Error(ErrorCode::kProtocolError, "OP_COMPRESSED is too short");
  }
  CompressedFrame frame;
  std::memcpy(&frame.original_op_code, message.data() + kHeaderBytes, 4);
  std::memcpy(&frame.uncompressed_size, message.data() + kHeaderBytes + 4, 4);
  const auto id = static_cast<uint8_t>(message[kFrameBytes - 1]);
  if (frame.original_op_code == OpCode::kCompressed) {
    return Error(ErrorCode::kProtocolError, "OP_COMPRESSED inside OP_COMPRESSED");
  }
  if (frame.uncompressed_size < 0 ||
      frame.uncompressed_size > limits::kMaxMessageSizeBytes - static_cast<int32_t>(kHeaderBytes)) {
    return Error(ErrorCode::kProtocolError,
                 StrCat("OP_COMPRESSED declares ", frame.uncompressed_size, " bytes"));
  }
  if (id > static_cast<uint8_t>(CompressorId::kZstd)) {
    return Error(ErrorCode::kProtocolError,
                 StrCat("OP_COMPRESSED names the unknown compressor ", static_cast<int>(id)));
  }
  frame.compressor = static_cast<CompressorId>(id);
  frame.bytes = message.substr(kFrameBytes);
  return frame;
}

struct Compressor::Zstd {
  ZSTD_CCtx* pack = nullptr;
  ZSTD_DCtx* unpack = nullptr;
  ~Zstd() {
    ZSTD_freeCCtx(pack);
    ZSTD_freeDCtx(unpack);
  }
};

Compressor::Compressor() : zstd_(std::make_unique<Zstd>()) {}
Compressor::~Compressor() = default;

Status Compressor::Unpack(const CompressedFrame& frame, char* out) {
  const auto size = static_cast<size_t>(frame.uncompressed_size);
  const std::string_view in = frame.bytes;
  bool ok = false;
  switch (frame.compressor) {
    case CompressorId::kNoop:
      ok = in.size() == size;
      if (ok) {
        std::memcpy(out, in.data(), size);
      }
      break;
    case CompressorId::kSnappy: {
      size_t told = 0;
      ok = snappy::GetUncompressedLength(in.data(), in.size(), &told) && told == size &&
           snappy::RawUncompress(in.data(), in.size(), out);
      break;
    }
    case CompressorId::kZlib: {
      uLongf got = size;
      ok = uncompress(reinterpret_cast<Bytef*>(out), &got,
                      reinterpret_cast<const Bytef*>(in.data()), in.size()) == Z_OK &&
           got == size;
      break;
    }
    case CompressorId::kZstd: {
      if (zstd_->unpack == nullptr) {
        zstd_->unpack = ZSTD_createDCtx();
      }
      const size_t got = ZSTD_decompressDCtx(zstd_->unpack, out, size, in.data(), in.size());
      ok = ZSTD_isError(got) == 0 && got == size;
      break;
    }
  }
  return ok ? OkStatus() : CannotUnpack(frame.compressor);
}

Status Compressor::Decompress(std::string_view message, std::string* inner, CompressorId* id) {
  ASSIGN_OR_RETURN(const CompressedFrame frame, ParseCompressedFrame(message));
  const size_t size = kHeaderBytes + static_cast<size_t>(frame.uncompressed_size);
  inner->resize(size);
  MessageHeader header = DecodeHeader(message.data());
  header.message_length = static_cast<int32_t>(size);
  header.op_code = frame.original_op_code;
  EncodeHeader(header, inner->data());
  *id = frame.compressor;
  return Unpack(frame, inner->data() + kHeaderBytes);
}

namespace {

// Joins the pieces behind the header; a single piece needs no copy.
std::string_view PayloadOf(std::span<const std::string_view> parts, std::string* scratch) {
  const std::string_view first = parts[0].substr(kHeaderBytes);
  if (parts.size() == 1) {
    return first;
  }
  scratch->assign(first);
  for (const std::string_view part : parts.subspan(1)) {
    scratch->append(part);
  }
  return *scratch;
}

size_t Bound(CompressorId id, size_t size) {
  switch (id) {
    case CompressorId::kNoop:
      return size;
    case CompressorId::kSnappy:
      return snappy::MaxCompressedLength(size);
    case CompressorId::kZlib:
      return compressBound(size);
    case CompressorId::kZstd:
      return ZSTD_compressBound(size);
  }
  return size;
}

}  // namespace

Status Compressor::Compress(std::span<const std::string_view> parts, CompressorId id,
                            std::string* out) {
  // Replies of ordinary size keep the scratch buffer; one giant must not pin its memory.
  constexpr size_t kKeptScratchBytes = 256 * 1024;
  MessageHeader header = DecodeHeader(parts[0].data());
  const std::string_view in = PayloadOf(parts, &scratch_);
  out->resize(kFrameBytes + Bound(id, in.size()));
  char* const packed = out->data() + kFrameBytes;
  const size_t room = out->size() - kFrameBytes;
  size_t size = 0;
  switch (id) {
    case CompressorId::kNoop:
      std::memcpy(packed, in.data(), in.size());
      size = in.size();
      break;
    case CompressorId::kSnappy:
      snappy::RawCompress(in.data(), in.size(), packed, &size);
      break;
    case CompressorId::kZlib: {
      uLongf got = room;
      if (compress2(reinterpret_cast<Bytef*>(packed), &got,
                    reinterpret_cast<const Bytef*>(in.data()), in.size(),
                    Z_DEFAULT_COMPRESSION) != Z_OK) {
        return CannotPack(id);
      }
      size = got;
      break;
    }
    case CompressorId::kZstd:
      if (zstd_->pack == nullptr) {
        zstd_->pack = ZSTD_createCCtx();
      }
      size =
          ZSTD_compressCCtx(zstd_->pack, packed, room, in.data(), in.size(), ZSTD_CLEVEL_DEFAULT);
      if (ZSTD_isError(size) != 0) {
        return CannotPack(id);
      }
      break;
  }
  const auto original = header.op_code;
  const auto uncompressed_size = static_cast<int32_t>(in.size());
  out->resize(kFrameBytes + size);
  header.message_length = static_cast<int32_t>(out->size());
  header.op_code = OpCode::kCompressed;
  EncodeHeader(header, out->data());
  std::memcpy(out->data() + kHeaderBytes, &original, 4);
  std::memcpy(out->data() + kHeaderBytes + 4, &uncompressed_size, 4);
  (*out)[kFrameBytes - 1] = static_cast<char>(id);
  if (scratch_.capacity() > kKeptScratchBytes) {
    std::string().swap(scratch_);
  }
  return OkStatus();
}

}  // namespace septet::wire
