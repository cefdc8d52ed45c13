// SPDX-License-Identifier: Apache-2.0
#include "wire/codec/parse.h"

#include "base/strings.h"
#include "wire/codec/crc32c.h"
#include "wire/codec/reader.h"
#include "wire/codec/serialize.h"

namespace septet::wire {

// parse_legacy.cc
Status ParseLegacy(OpCode op_code, std::string_view payload, Message* message);

namespace {

enum SectionKind : uint8_t { kBodySection = 0, kSequenceSection = 1 };

constexpr int kTwoBodies = 40430;
constexpr int kDuplicateSequence = 40431;
constexpr int kUnknownSectionKind = 40432;
constexpr int kFieldInBodyAndSequence = 40433;
constexpr int kNoBody = 40587;

Status ReadSequence(Reader* reader, OpMsg* msg) {
  int32_t size = 0;
  RETURN_IF_ERROR(reader->Read(&size));
  if (size < static_cast<int32_t>(sizeof(size)) + 1) {
    return Error(ErrorCode::kInvalidBSON, StrCat("Invalid size of a document sequence: ", size));
  }
  std::string_view section;
  RETURN_IF_ERROR(reader->ReadBytes(static_cast<size_t>(size) - sizeof(size), &section));
  Reader inner(section);
  DocumentSequence sequence;
  RETURN_IF_ERROR(inner.ReadCString(&sequence.identifier));
  if (msg->Sequence(sequence.identifier) != nullptr) {
    return Error(kDuplicateSequence, StrCat("Duplicate document sequence: ", sequence.identifier));
  }
  if (msg->sequences.size() == kMaxDocumentSequences) {
    return Error(ErrorCode::kTooManyDocumentSequences, "Too many document sequences in OP_MSG");
  }
  RETURN_IF_ERROR(inner.ReadDocs(&sequence.documents));
  msg->sequences.push_back(sequence);
  return OkStatus();
}

Status ReadSections(std::string_view bytes, OpMsg* msg) {
  Reader reader(bytes);
  bool have_body = false;
  while (!reader.at_end()) {
    uint8_t kind = 0;
    RETURN_IF_ERROR(reader.Read(&kind));
    switch (kind) {
      case kBodySection:
        if (have_body) {
          return Error(kTwoBodies, "Multiple body sections in message");
        }
        have_body = true;
        RETURN_IF_ERROR(reader.ReadDoc(&msg->body));
        break;
      case kSequenceSection:
        RETURN_IF_ERROR(ReadSequence(&reader, msg));
        break;
      default:
        return Error(kUnknownSectionKind, StrCat("Unknown section kind ", static_cast<int>(kind)));
    }
  }
  if (!have_body) {
    return Error(kNoBody, "OP_MSG messages must have a body");
  }
  return OkStatus();
}

// The first field of a dotted name decides: "a.b" clashes with a body that has a.b only.
bool HasPath(bson::DocView doc, std::string_view path) {
  const size_t dot = path.find('.');
  const bson::ValueView value = doc.Find(path.substr(0, dot));
  if (dot == std::string_view::npos) {
    return !value.missing();
  }
  return value.is_object() && HasPath(value.AsDoc(), path.substr(dot + 1));
}

Status CheckChecksum(std::string_view* message, OpMsg* msg) {
  if (!msg->checksum_present()) {
    return OkStatus();
  }
  if (message->size() < kHeaderBytes + sizeof(uint32_t) + kChecksumBytes) {
    return Error(ErrorCode::kChecksumMismatch, "OP_MSG is too short to hold a checksum");
  }
  const std::string_view covered = message->substr(0, message->size() - kChecksumBytes);
  uint32_t expected = 0;
  std::memcpy(&expected, covered.data() + covered.size(), sizeof(expected));
  if (Crc32c(covered) != expected) {
    return Error(ErrorCode::kChecksumMismatch, "OP_MSG checksum does not match contents");
  }
  *message = covered;
  return OkStatus();
}

Status ParseMsg(std::string_view message, OpMsg* msg) {
  Reader reader(message.substr(kHeaderBytes));
  RETURN_IF_ERROR(reader.Read(&msg->flags));
  const uint32_t unknown = msg->flags & kRequiredFlagsMask & ~kKnownRequiredFlags;
  if (unknown != 0) {
    return Error(ErrorCode::kIllegalOpMsgFlag,
                 StrCat("Message contains illegal flags value: ", msg->flags));
  }
  RETURN_IF_ERROR(CheckChecksum(&message, msg));
  RETURN_IF_ERROR(ReadSections(message.substr(kHeaderBytes + sizeof(msg->flags)), msg));
  for (const DocumentSequence& sequence : msg->sequences) {
    if (HasPath(msg->body, sequence.identifier)) {
      return Error(
          kFieldInBodyAndSequence,
          StrCat("Duplicate field between body and document sequence ", sequence.identifier));
    }
  }
  return OkStatus();
}

Verdict VerdictOf(ErrorCode code) {
  switch (static_cast<int>(code)) {
    case static_cast<int>(ErrorCode::kOK):
      return Verdict::kHandle;
    case static_cast<int>(ErrorCode::kIllegalOpMsgFlag):
    case static_cast<int>(ErrorCode::kTooManyDocumentSequences):
    case static_cast<int>(ErrorCode::kChecksumMismatch):
    case static_cast<int>(ErrorCode::kProtocolError):
      return Verdict::kClose;
    case kUnknownSectionKind:
      return Verdict::kReplyAndClose;
    default:
      return Verdict::kReply;
  }
}

Status ParseByOpCode(std::string_view bytes, ParseResult* result) {
  switch (result->header.op_code) {
    case OpCode::kMsg:
      return ParseMsg(bytes, &std::get<OpMsg>(result->message));
    case OpCode::kQuery:
    case OpCode::kGetMore:
    case OpCode::kInsert:
    case OpCode::kUpdate:
    case OpCode::kDelete:
    case OpCode::kKillCursors:
    case OpCode::kReply:
      return ParseLegacy(result->header.op_code, bytes.substr(kHeaderBytes), &result->message);
    default:
      return Error(ErrorCode::kProtocolError,
                   StrCat("Unsupported opcode ", static_cast<int>(result->header.op_code)));
  }
}

}  // namespace

ParseResult Parse(std::string_view bytes) {
  ParseResult result;
  if (bytes.size() < kHeaderBytes) {
    result.status = Error(ErrorCode::kProtocolError, "The message is shorter than its header");
    result.verdict = Verdict::kClose;
    return result;
  }
  result.header = DecodeHeader(bytes.data());
  if (!IsAcceptableLength(result.header.message_length) ||
      static_cast<size_t>(result.header.message_length) != bytes.size()) {
    result.status = Error(ErrorCode::kProtocolError,
                          StrCat("Invalid message length ", result.header.message_length));
    result.verdict = Verdict::kClose;
    return result;
  }
  result.status = ParseByOpCode(bytes, &result);
  result.verdict = result.status.ok() ? Verdict::kHandle : VerdictOf(CodeOf(result.status));
  return result;
}

}  // namespace septet::wire
