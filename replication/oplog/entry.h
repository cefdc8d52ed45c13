// SPDX-License-Identifier: Apache-2.0
// One entry of the oplog: a BSON document {ts, t, wall, [prevOpTime], v: 2, op, ns, ui, o, o2, ...}.
// ts, t and wall stand first, at fixed offsets, because the sequencer fills them in when the order is
// known; so does prevOpTime when it follows. Readers must not depend on the order of fields.
// Formats: docs/FORMATS "Oplog", replication.md 3.2.
// Thread rule: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "bson/view.h"
#include "replication/core/optime.h"

namespace septet::repl {

// What is needed to write an entry. Views need to live only during BuildEntry.
struct EntryFields {
  char op = 'n';                  // i u d c n
  std::string_view ns;
  const uint8_t* uuid = nullptr;  // 16 bytes, or null
  bson::DocView o;
  std::string_view o2;            // encoded document, or empty
  // Retryable writes.
  std::string_view lsid;          // encoded document, or empty
  int64_t txn_number = -1;
  int32_t stmt_id = -1;
  OpTime prev;                    // the session's entry before this one; null OpTime: none
  std::string_view retry_image;   // "preImage", "postImage" or empty
  bool from_upsert = false;       // b: true
  bool from_migrate = false;      // hidden from change streams: removals of a capped collection
};

// Appends the whole entry to `*out` with ts, t and wall zero.
void BuildEntry(const EntryFields& fields, std::string* out);

// Fills in the fixed fields. `entry` was made by BuildEntry.
void StampEntry(std::string* entry, const OpTime& optime, int64_t wall_millis);
// Adds needsRetryImage to an entry of BuildEntry.
void AppendRetryImage(std::string* entry, bool post_image);
// Replaces prevOpTime; only for entries of a session.
void StampPrevious(std::string* entry, const OpTime& previous);

// A parsed entry; views into the document.
struct EntryView {
  OpTime optime;
  int64_t wall_millis = 0;
  char op = 'n';
  std::string_view ns;
  const uint8_t* uuid = nullptr;
  bson::DocView o;
  bson::ValueView o2;
  bson::ValueView lsid;
  int64_t txn_number = -1;
  std::vector<int32_t> stmt_ids;
  OpTime prev;
  std::string_view retry_image;
  bool from_upsert = false;
  bool from_migrate = false;
};
// Errors: FailedToParse naming the field.
StatusOr<EntryView> ParseEntry(bson::DocView entry);
// Only its position; a null OpTime if the document is no entry.
OpTime EntryOpTime(bson::DocView entry);
OpTimeAndWall EntryOpTimeAndWall(bson::DocView entry);

// Key of an entry in Space::kOplog and of its inverse in Space::kUndo: 8 bytes, big-endian.
std::string OplogKey(bson::Timestamp ts);
bson::Timestamp TimestampOfKey(std::string_view key);

}  // namespace septet::repl
