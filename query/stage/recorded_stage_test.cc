// SPDX-License-Identifier: Apache-2.0
// Pipelines over documents in memory against the recorded answers of a server (4.9): those whose stages
// need no collection. Values by value, errors by code and text. Skips where the recordings are not at hand.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <set>

#include "base/strings.h"
#include "bson/ejson.h"
#include "bson/number.h"
#include "bson/testing/data_folder.h"
#include "query/stage/pipeline.h"

namespace septet::query {
namespace {

// Lines that differ on purpose, and why. The list only shrinks.
const std::map<std::string_view, std::string_view> kDifferences = {
#include "query/expression/recorded_differences.def"
#include "query/stage/recorded_differences.def"
};

const std::set<std::string_view> kStages = {
    "$addFields", "$bucket", "$bucketAuto", "$count", "$facet",  "$group",       "$limit",
    "$match",     "$project", "$redact",    "$set",   "$skip",   "$replaceRoot", "$replaceWith",
    "$sort",      "$sortByCount", "$unset", "$unwind"};

bool SameNumber(ValueView a, ValueView b) {
  if (bson::Compare(a, b) == 0) {
    return true;
  }
  const double x = bson::ToDouble(a);
  const double y = bson::ToDouble(b);
  return std::fabs(x - y) <= 1e-15 * std::fabs(x);
}

// The recorder wrote whole doubles as integers, so numbers compare by value.
bool SameValue(ValueView a, ValueView b) {
  if (a.is_number() && b.is_number()) {
    return SameNumber(a, b);
  }
  if (a.type() != b.type()) {
    return false;
  }
  if (!a.is_object() && !a.is_array()) {
    return bson::Compare(a, b) == 0;
  }
  auto x = a.AsAnyDoc().begin();
  auto y = b.AsAnyDoc().begin();
  while (x != a.AsAnyDoc().end() && y != b.AsAnyDoc().end()) {
    if (x->name() != y->name() || !SameValue(x->value(), y->value())) {
      return false;
    }
    ++x;
    ++y;
  }
  return x == a.AsAnyDoc().end() && y == b.AsAnyDoc().end();
}

bool OnlyKnownStages(DocView pipeline) {
  for (const bson::ElementView e : pipeline) {
    if (!e.value().is_object() || e.value().AsDoc().CountFields() != 1 ||
        !kStages.contains(e.value().AsDoc().FirstElement().name())) {
      return false;
    }
  }
  return true;
}

StatusOr<std::vector<std::string>> RunPipeline(DocView stages, const std::vector<std::string>& docs,
                                               std::string_view name) {
  ParseContext variables;
  PipelineScope scope;
  scope.ns = catalog::Namespace::Parse(StrCat("recorded.", name));
  scope.variables = &variables;
  ASSIGN_OR_RETURN(const auto pipeline, Pipeline::Parse(stages, scope));
  catalog::Op op;
  ExecContext ctx;
  ctx.op = &op;
  ctx.eval.arena = &ctx.arena;
  ctx.eval.interrupt = &op.interrupt;
  ctx.eval.random = &ctx.random;
  PipelineRun run;
  run.op = &op;
  ASSIGN_OR_RETURN(const NodePtr root, pipeline->Attach(MakeVectorSource(&docs), run));
  std::vector<std::string> out;
  for (;;) {
    Row row;
    StatusOr<Step> step = root->Next(&ctx, &row);
    if (!step.ok()) {
      return Prefixed("PlanExecutor error during aggregation :: caused by :: ", step.status());
    }
    if (*step == Step::kDone) {
      return out;
    }
    if (*step == Step::kRow) {
      out.push_back(row.doc.ToBytes());
      ctx.arena.Reset();
    }
  }
}

// Whether a server refused an operator that came later.
bool CameLater(std::string_view text) {
  const size_t dollar = text.rfind('$');
  const bool unknown = text.find("Unknown expression") != std::string_view::npos ||
                       text.find("Unrecognized expression") != std::string_view::npos ||
                       text.find("unknown group operator") != std::string_view::npos;
  if (!unknown || dollar == std::string_view::npos) {
    return false;
  }
  std::string_view name = text.substr(dollar);
  name = name.substr(0, name.find('\''));
  return IsExpressionOperator(name) || name == "$count" || name == "$top" || name == "$topN";
}

// Text of the difference, or empty.
std::string CompareRun(DocView db, DocView command, DocView reply) {
  const std::string_view name = command.FirstElement().value().AsString();
  std::vector<std::string> docs;
  if (const ValueView list = db[name]; list.is_array()) {
    for (const bson::ElementView e : list.AsArray()) {
      docs.push_back(e.value().AsDoc().ToBytes());
    }
  }
  const auto rows = RunPipeline(command["pipeline"].AsArray(), docs, name);
  if (!reply.Has("cursor")) {
    const int code = static_cast<int>(bson::ToInt64Clamped(reply["code"]));
    const std::string_view text = reply["errmsg"].AsString();
    if (CameLater(text)) {
      return "";
    }
    if (rows.ok()) {
      return StrCat("no error; wanted ", code, " ", text);
    }
    const int got = static_cast<int>(CodeOf(rows.status()));
    return got == code && TextOf(rows.status()) == text
               ? ""
               : StrCat("error ", got, " '", TextOf(rows.status()), "'; wanted ", code, " '", text, "'");
  }
  if (!rows.ok()) {
    return StrCat("unexpected error ", static_cast<int>(CodeOf(rows.status())), " ",
                  TextOf(rows.status()));
  }
  const DocView wanted = reply["cursor"].AsDoc()["docs"].AsArray();
  if (static_cast<int>(rows->size()) != wanted.CountFields()) {
    return StrCat(rows->size(), " rows; wanted ", wanted.CountFields());
  }
  size_t i = 0;
  for (const bson::ElementView e : wanted) {
    const ValueView got(bson::Type::kObject, (*rows)[i].data());
    if (!SameValue(got, e.value())) {
      return StrCat("row ", i, ": ", bson::ToRelaxedJson(got), "; wanted ",
                    bson::ToRelaxedJson(e.value()));
    }
    ++i;
  }
  return "";
}

struct Tally {
  int compared = 0;
  int agree = 0;
};

void Replay(const std::filesystem::path& path, Tally* tally) {
  std::ifstream file(path);
  std::string db;
  for (std::string text; std::getline(file, text);) {
    const StatusOr<std::string> line = bson::FromJson(text);
    if (!line.ok()) {
      continue;  // int64 written as doubles by the recorder
    }
    const DocView doc(*line);
    if (doc["db"].is_object()) {
      db = doc["db"].AsDoc().ToBytes();
    }
    const std::string id(doc["id"].AsString());
    for (const bson::ElementView e : doc["run"].AsArray()) {
      const DocView command = e.value().AsDoc()["cmd"].AsDoc();
      const ValueView pipeline = command["pipeline"];
      if (command.FirstElement().name() != "aggregate" || !command.FirstElement().value().is_string() ||
          !pipeline.is_array() || !OnlyKnownStages(pipeline.AsArray()) || command.Has("collation") ||
          command.Has("let") || command.Has("explain") || id.starts_with("S02-008-cmd")) {
        continue;
      }
      ++tally->compared;
      const std::string difference =
          CompareRun(DocView(db), command, e.value().AsDoc()["reply"].AsDoc());
      tally->agree += difference.empty() ? 1 : 0;
      if (kDifferences.contains(id)) {
        EXPECT_NE(difference, "") << id << " agrees: take it off the list";
      } else {
        EXPECT_EQ(difference, "") << id;
      }
    }
  }
}

TEST(RecordedStages, AgreeWithAServer) {
  const std::filesystem::path folder = bson::testing::DataFolder("SEPTET_RECORDED", "recorded");
  if (folder.empty()) {
    GTEST_SKIP() << "no recorded answers at hand";
  }
  Tally tally;
  Replay(folder / "curated-agg-stage.jsonl", &tally);
  Replay(folder / "curated-agg-expr.jsonl", &tally);
  Replay(folder / "agg.jsonl", &tally);
  std::printf("%d of %d pipelines agree\n", tally.agree, tally.compared);
}

}  // namespace
}  // namespace septet::query
