// SPDX-License-Identifier: Apache-2.0
#include "txn/session_record.h"

#include <algorithm>

#include "bson/builder.h"
#include "bson/number.h"

namespace septet::txn {

using bson::DocView;
using bson::ElementView;
using bson::ValueView;

void SessionRecord::Add(const catalog::ExecutedStatement& statement) {
  if (statement.from_upsert) {
    upserts.push_back({statement.stmt_id, statement.id});
  }
  // Nearly always the next one of the last run.
  if (!runs.empty() && runs.back().last + 1 == statement.stmt_id &&
      runs.back().kind == statement.op) {
    runs.back().last = statement.stmt_id;
    return;
  }
  runs.push_back({statement.stmt_id, statement.stmt_id, statement.op});
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.first < b.first; });
}

void SessionRecord::Remove(int32_t stmt_id) {
  std::erase_if(upserts, [stmt_id](const Upsert& u) { return u.stmt_id == stmt_id; });
  for (size_t i = 0; i < runs.size(); ++i) {
    const Run run = runs[i];
    if (stmt_id < run.first || stmt_id > run.last) {
      continue;
    }
    runs.erase(runs.begin() + static_cast<ptrdiff_t>(i));
    auto at = runs.begin() + static_cast<ptrdiff_t>(i);
    if (stmt_id < run.last) {
      at = runs.insert(at, {stmt_id + 1, run.last, run.kind});
    }
    if (stmt_id > run.first) {
      runs.insert(at, {run.first, stmt_id - 1, run.kind});
    }
    return;
  }
}

std::vector<StatementResult> SessionRecord::Results() const {
  std::vector<StatementResult> out;
  for (const Run& run : runs) {
    for (int32_t id = run.first; id <= run.last; ++id) {
      StatementResult& result = out.emplace_back();
      result.stmt_id = id;
      result.kind = run.kind;
      result.n = 1;
      result.n_modified = run.kind == 'u' ? 1 : 0;
    }
  }
  for (const Upsert& upsert : upserts) {
    for (StatementResult& result : out) {
      if (result.stmt_id == upsert.stmt_id) {
        result.upserted = upsert.id;
      }
    }
  }
  return out;
}

std::string EncodeSession(DocView lsid, const SessionRecord& record) {
  bson::DocBuilder b;
  b.Append("_id", lsid);
  b.Append("txnNum", record.txn_number);
  repl::AppendOpTime(&b, "lastWriteOpTime", record.last_write);
  b.AppendDate("lastWriteDate", record.last_write_millis);
  {
    auto array = b.Array("statements");
    for (const SessionRecord::Run& run : record.runs) {
      auto item = b.AddObject();
      b.Append("f", run.first);
      b.Append("l", run.last);
      b.Append("k", std::string_view(&run.kind, 1));
    }
  }
  if (!record.upserts.empty()) {
    auto array = b.Array("upserted");
    for (const SessionRecord::Upsert& upsert : record.upserts) {
      auto item = b.AddObject();
      b.Append("s", upsert.stmt_id);
      b.Append("id", DocView(upsert.id).Find("_id"));
    }
  }
  return b.Finish();
}

namespace {

Status Incomplete() {
  return Error(ErrorCode::kIncompleteTransactionHistory,
               "Incomplete history detected for transaction: its record cannot be read");
}

Status DecodeStatements(ValueView statements, SessionRecord* out) {
  if (!statements.is_array()) {
    return OkStatus();  // a server's own record: no statements
  }
  for (const ElementView e : statements.AsArray()) {
    if (!e.value().is_object()) {
      return Incomplete();
    }
    const DocView run = e.value().AsDoc();
    const ValueView kind = run.Find("k");
    if (!run.Find("f").is_number() || !run.Find("l").is_number() || !kind.is_string() ||
        kind.AsString().size() != 1) {
      return Incomplete();
    }
    out->runs.push_back({static_cast<int32_t>(bson::ToInt64Clamped(run.Find("f"))),
                         static_cast<int32_t>(bson::ToInt64Clamped(run.Find("l"))),
                         kind.AsString()[0]});
  }
  return OkStatus();
}

}  // namespace

StatusOr<SessionRecord> DecodeSession(DocView document) {
  SessionRecord out;
  const ValueView number = document.Find("txnNum");
  if (!number.is_number()) {
    return Incomplete();
  }
  out.txn_number = bson::ToInt64Clamped(number);
  out.last_write = repl::ParseOpTime(document.Find("lastWriteOpTime"));
  if (const ValueView date = document.Find("lastWriteDate"); date.type() == bson::Type::kDate) {
    out.last_write_millis = date.AsDateMillis();
  }
  out.is_transaction = document.Has("state");
  RETURN_IF_ERROR(DecodeStatements(document.Find("statements"), &out));
  if (const ValueView upserted = document.Find("upserted"); upserted.is_array()) {
    for (const ElementView e : upserted.AsArray()) {
      if (!e.value().is_object() || !e.value().AsDoc().Find("s").is_number()) {
        return Incomplete();
      }
      const DocView upsert = e.value().AsDoc();
      out.upserts.push_back({static_cast<int32_t>(bson::ToInt64Clamped(upsert.Find("s"))),
                             bson::MakeDoc("_id", upsert.Find("id"))});
    }
  }
  return out;
}

std::string EncodeImage(DocView lsid, int64_t txn_number, bson::Timestamp ts, bool is_post_image,
                        DocView image) {
  bson::DocBuilder b;
  b.Append("_id", lsid);
  b.Append("txnNum", txn_number);
  b.Append("ts", ts);
  b.Append("imageKind", is_post_image ? "postImage" : "preImage");
  b.Append("image", image);
  b.Append("invalidated", false);
  return b.Finish();
}

}  // namespace septet::txn
