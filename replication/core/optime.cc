// SPDX-License-Identifier: Apache-2.0
#include "replication/core/optime.h"

#include "base/strings.h"

namespace septet::repl {

std::string OpTime::ToString() const {
  return StrCat("{ ts: Timestamp(", ts.secs, ", ", ts.inc, "), t: ", term, " }");
}

void AppendOpTime(bson::DocBuilder* b, std::string_view name, const OpTime& optime) {
  b->OpenObject(name);
  b->Append("ts", optime.ts);
  b->Append("t", optime.term);
  b->Close();
}

OpTime ParseOpTime(bson::ValueView v) {
  OpTime out;
  if (!v.is_object()) {
    return out;
  }
  const bson::DocView doc = v.AsDoc();
  if (const bson::ValueView ts = doc["ts"]; ts.type() == bson::Type::kTimestamp) {
    out.ts = ts.AsTimestamp();
  }
  if (const bson::ValueView t = doc["t"]; t.type() == bson::Type::kInt64) {
    out.term = t.AsInt64();
  } else if (t.type() == bson::Type::kInt32) {
    out.term = t.AsInt32();
  }
  return out;
}

}  // namespace septet::repl
