// SPDX-License-Identifier: Apache-2.0
#include "replication/oplog/entry.h"

#include <cstring>

#include "base/check.h"
#include "base/strings.h"
#include "bson/builder.h"
#include "bson/number.h"

namespace septet::repl {
namespace {

using bson::ElementView;
using bson::ValueView;

// Offsets of the values inside the document: size 4, then <type, name, value> each.
constexpr size_t kTsOffset = 8;
constexpr size_t kTermOffset = 19;
constexpr size_t kWallOffset = 33;
constexpr size_t kPrevElement = 41;
constexpr size_t kPrevTsOffset = 61;
constexpr size_t kPrevTermOffset = 72;

void Store64(std::string* s, size_t offset, uint64_t v) {
  P_CHECK(s->size() >= offset + 8);
  std::memcpy(s->data() + offset, &v, 8);
}

Status BadField(std::string_view name) {
  return Error(ErrorCode::kFailedToParse, StrCat("oplog entry has a bad field '", name, "'"));
}

}  // namespace

void BuildEntry(const EntryFields& f, std::string* out) {
  bson::DocBuilder b(out);
  b.Append("ts", bson::Timestamp{});
  b.Append("t", int64_t{0});
  b.AppendDate("wall", 0);
  if (!f.lsid.empty()) {
    AppendOpTime(&b, "prevOpTime", f.prev);
  }
  b.Append("v", int64_t{2});
  b.Append("op", std::string_view(&f.op, 1));
  b.Append("ns", f.ns);
  if (f.uuid != nullptr) {
    b.Append("ui", bson::BinData{4, {reinterpret_cast<const char*>(f.uuid), 16}});
  }
  b.Append("o", f.o);
  if (!f.o2.empty()) {
    b.Append("o2", bson::DocView(f.o2));
  }
  if (!f.lsid.empty()) {
    b.Append("lsid", bson::DocView(f.lsid));
    b.Append("txnNumber", f.txn_number);
    b.Append("stmtId", f.stmt_id);
    if (!f.retry_image.empty()) {
      b.Append("needsRetryImage", f.retry_image);
    }
  }
  if (f.from_upsert) {
    b.Append("b", true);
  }
  if (f.from_migrate) {
    b.Append("fromMigrate", true);
  }
  b.Finish();
}

void StampEntry(std::string* entry, const OpTime& optime, int64_t wall_millis) {
  Store64(entry, kTsOffset, optime.ts.AsU64());
  Store64(entry, kTermOffset, static_cast<uint64_t>(optime.term));
  Store64(entry, kWallOffset, static_cast<uint64_t>(wall_millis));
}

void AppendRetryImage(std::string* entry, bool post_image) {
  const std::string element =
      bson::MakeDoc("needsRetryImage", post_image ? "postImage" : "preImage");
  entry->pop_back();
  entry->append(element, 4, std::string::npos);
  const int32_t size = static_cast<int32_t>(entry->size());
  std::memcpy(entry->data(), &size, 4);
}

void StampPrevious(std::string* entry, const OpTime& previous) {
  P_CHECK(entry->size() > kPrevTermOffset + 8 &&
          std::strcmp(entry->data() + kPrevElement + 1, "prevOpTime") == 0);
  Store64(entry, kPrevTsOffset, previous.ts.AsU64());
  Store64(entry, kPrevTermOffset, static_cast<uint64_t>(previous.term));
}

namespace {

// Each returns false if the value has a wrong type.
bool ReadStmtIds(ValueView v, EntryView* out) {
  const auto add = [out](ValueView id) {
    if (!id.is_number()) {
      return false;
    }
    out->stmt_ids.push_back(static_cast<int32_t>(bson::ToInt64Clamped(id)));
    return true;
  };
  if (!v.is_array()) {
    return add(v);
  }
  for (const ElementView e : v.AsArray()) {
    if (!add(e.value())) {
      return false;
    }
  }
  return true;
}

bool ReadPosition(std::string_view name, ValueView v, EntryView* out) {
  if (name == "ts") {
    out->optime.ts = v.type() == bson::Type::kTimestamp ? v.AsTimestamp() : bson::Timestamp{};
    return v.type() == bson::Type::kTimestamp;
  }
  if (name == "t") {
    out->optime.term = v.is_number() ? bson::ToInt64Clamped(v) : kUninitializedTerm;
    return v.is_number();
  }
  if (name == "wall") {
    out->wall_millis = v.type() == bson::Type::kDate ? v.AsDateMillis() : 0;
    return v.type() == bson::Type::kDate;
  }
  out->prev = ParseOpTime(v);  // prevOpTime
  return v.is_object();
}

bool ReadBody(std::string_view name, ValueView v, EntryView* out) {
  if (name == "op") {
    const std::string_view op = v.is_string() ? v.AsString() : std::string_view();
    out->op = op.empty() ? '?' : op[0];
    return op.size() == 1;
  }
  if (name == "ns") {
    out->ns = v.is_string() ? v.AsString() : std::string_view();
    return v.is_string();
  }
  if (name == "ui") {
    if (v.type() != bson::Type::kBinData || v.AsBinData().bytes.size() != 16) {
      return false;
    }
    out->uuid = reinterpret_cast<const uint8_t*>(v.AsBinData().bytes.data());
    return true;
  }
  if (name == "o") {
    out->o = v.is_object() ? v.AsDoc() : bson::DocView();
    return v.is_object();
  }
  out->o2 = v;
  return v.is_object();
}

bool ReadSession(std::string_view name, ValueView v, EntryView* out) {
  if (name == "lsid") {
    out->lsid = v;
    return v.is_object();
  }
  if (name == "txnNumber") {
    out->txn_number = v.is_number() ? bson::ToInt64Clamped(v) : -1;
    return v.is_number();
  }
  if (name == "stmtId") {
    return ReadStmtIds(v, out);
  }
  if (name == "needsRetryImage") {
    out->retry_image = v.is_string() ? v.AsString() : std::string_view();
    return v.is_string();
  }
  (name == "b" ? out->from_upsert : out->from_migrate) = v.Truthy();
  return true;
}

}  // namespace

StatusOr<EntryView> ParseEntry(bson::DocView entry) {
  EntryView out;
  for (const ElementView e : entry) {
    const std::string_view name = e.name();
    bool good = true;
    if (name == "ts" || name == "t" || name == "wall" || name == "prevOpTime") {
      good = ReadPosition(name, e.value(), &out);
    } else if (name == "op" || name == "ns" || name == "ui" || name == "o" || name == "o2") {
      good = ReadBody(name, e.value(), &out);
    } else if (name == "lsid" || name == "txnNumber" || name == "stmtId" ||
               name == "needsRetryImage" || name == "b" || name == "fromMigrate") {
      good = ReadSession(name, e.value(), &out);
    }
    if (!good) {
      return BadField(name);
    }
  }
  if (out.optime.IsNull()) {
    return BadField("ts");
  }
  return out;
}

OpTime EntryOpTime(bson::DocView entry) { return EntryOpTimeAndWall(entry).optime; }

OpTimeAndWall EntryOpTimeAndWall(bson::DocView entry) {
  OpTimeAndWall out;
  const ValueView ts = entry.Find("ts");
  const ValueView term = entry.Find("t");
  const ValueView wall = entry.Find("wall");
  if (ts.type() == bson::Type::kTimestamp) {
    out.optime.ts = ts.AsTimestamp();
  }
  if (term.is_number()) {
    out.optime.term = bson::ToInt64Clamped(term);
  }
  if (wall.type() == bson::Type::kDate) {
    out.wall_millis = wall.AsDateMillis();
  }
  return out;
}

std::string OplogKey(bson::Timestamp ts) {
  std::string key(8, '\0');
  const uint64_t v = __builtin_bswap64(ts.AsU64());
  std::memcpy(key.data(), &v, 8);
  return key;
}

bson::Timestamp TimestampOfKey(std::string_view key) {
  uint64_t v = 0;
  P_CHECK(key.size() >= 8);
  std::memcpy(&v, key.data(), 8);
  return bson::Timestamp::FromU64(__builtin_bswap64(v));
}

}  // namespace septet::repl
