// SPDX-License-Identifier: Apache-2.0
#include "replication/oplog/undo.h"

#include <cstring>

#include "replication/oplog/entry.h"

namespace septet::repl {
namespace {

constexpr char kRecord = 'R';   // 8 bytes RecordId, document
constexpr char kSession = 'S';  // document ({} = none before)
constexpr char kImage = 'I';    // document ({} = none before)
constexpr char kDdl = 'D';      // document

constexpr std::string_view kNone("\x05\0\0\0\0", 5);  // {}

Status Corrupt() {
  return Error(ErrorCode::kDataCorruptionDetected, "an undo record cannot be decoded");
}

// Cuts a document off the front of `*rest`.
bool TakeDocument(std::string_view* rest, std::string_view* out) {
  if (rest->size() < 5) {
    return false;
  }
  const int32_t size = bson::DocView(rest->data()).size_bytes();
  if (size < 5 || static_cast<size_t>(size) > rest->size()) {
    return false;
  }
  *out = rest->substr(0, static_cast<size_t>(size));
  rest->remove_prefix(static_cast<size_t>(size));
  return true;
}

void AppendOptional(char tag, std::string_view document, std::string* out) {
  out->push_back(tag);
  out->append(document.empty() ? kNone : document);
}

}  // namespace

void EncodeUndo(const UndoRecord& record, std::string* out) {
  if (record.rid != 0) {
    out->push_back(kRecord);
    char rid[8];
    std::memcpy(rid, &record.rid, 8);
    out->append(rid, 8);
    out->append(record.document);
  }
  if (record.has_session) {
    AppendOptional(kSession, record.session, out);
  }
  if (record.has_image) {
    AppendOptional(kImage, record.image, out);
  }
  if (!record.ddl.empty()) {
    out->push_back(kDdl);
    out->append(record.ddl);
  }
}

StatusOr<UndoRecord> DecodeUndo(std::string_view bytes) {
  UndoRecord out;
  while (!bytes.empty()) {
    const char tag = bytes[0];
    bytes.remove_prefix(1);
    if (tag == kRecord) {
      if (bytes.size() < 8) {
        return Corrupt();
      }
      std::memcpy(&out.rid, bytes.data(), 8);
      bytes.remove_prefix(8);
    }
    std::string_view document;
    if (!TakeDocument(&bytes, &document)) {
      return Corrupt();
    }
    const std::string_view or_none = document == kNone ? std::string_view() : document;
    switch (tag) {
      case kRecord:
        out.document = document;
        break;
      case kSession:
        out.has_session = true;
        out.session = or_none;
        break;
      case kImage:
        out.has_image = true;
        out.image = or_none;
        break;
      case kDdl:
        out.ddl = document;
        break;
      default:
        return Corrupt();
    }
  }
  return out;
}

Status TruncateUndo(storage::Engine* engine, bson::Timestamp commit_point) {
  return engine->DropRange(storage::Space::kUndo, std::string(1, '\0'),
                           OplogKey(bson::Timestamp::FromU64(commit_point.AsU64() + 1)));
}

}  // namespace septet::repl
