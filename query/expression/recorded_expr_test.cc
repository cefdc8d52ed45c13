// SPDX-License-Identifier: Apache-2.0
// Expressions against the recorded answers of a server (4.9): every $project of one stage over the
// line's documents, value by value, and errors by code and text. Skips where the recordings are not
// at hand.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "bson/ejson.h"
#include "bson/number.h"
#include "bson/testing/data_folder.h"

#include "base/strings.h"
#include "query/expression/expression.h"

namespace septet::query {
namespace {

// Lines that differ on purpose, and why. The list only shrinks: a line that agrees must leave it.
const std::map<std::string_view, std::string_view> kDifferences = {
#include "query/expression/recorded_differences.def"
};

std::string_view StripPrefixes(std::string_view text) {
  constexpr std::string_view kPrefixes[] = {
      "PlanExecutor error during aggregation :: caused by :: ",
      "Failed to optimize pipeline :: caused by :: ",
      "Invalid $project :: caused by :: ",
      "Invalid $addFields :: caused by :: ",
  };
  for (const std::string_view prefix : kPrefixes) {
    if (text.starts_with(prefix)) {
      return StripPrefixes(text.substr(prefix.size()));
    }
  }
  return text;
}

// The recorder wrote whole doubles as integers and int64 as doubles, so numbers compare by value.
bool SameValue(ValueView a, ValueView b) {
  if (a.is_number() && b.is_number()) {
    if (a.type() == bson::Type::kDecimal128 && b.type() == bson::Type::kDecimal128) {
      return bson::DecimalToString(a.AsDecimal()) == bson::DecimalToString(b.AsDecimal());
    }
    const double x = bson::ToDouble(a);
    const double y = bson::ToDouble(b);
    return bson::Compare(a, b) == 0 || std::fabs(x - y) <= 1e-15 * std::fabs(x);
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

std::string Text(ValueView v) {
  return v.missing() ? "(nothing)" : bson::ToRelaxedJson(v);
}

struct Field {
  std::string name;
  ExpressionPtr expression;
};

// Parses the computed fields of a $project.
StatusOr<std::vector<Field>> ParseFields(DocView project, ParseContext* ctx) {
  std::vector<Field> fields;
  for (const bson::ElementView e : project) {
    const bool nested = e.value().is_object() && !e.value().AsDoc().empty() &&
                        !e.value().AsDoc().FirstElement().name().starts_with('$');
    if (nested || e.value().is_number() || e.type() == bson::Type::kBool) {
      continue;  // the projection's own business
    }
    ASSIGN_OR_RETURN(ExpressionPtr expression, ParseExpression(e.value(), ctx));
    // What explain prints must mean the same: that is what is evaluated.
    bson::DocBuilder explained;
    expression->Serialize("v", &explained);
    const std::string bytes = explained.Finish();
    ASSIGN_OR_RETURN(ExpressionPtr again, ParseExpression(DocView(bytes).Find("v"), ctx));
    fields.push_back({std::string(e.name()), std::move(again)});
  }
  RETURN_IF_ERROR(ctx->fold_status());
  return fields;
}

class Replay {
 public:
  // Text of the difference, or empty.
  std::string Line(DocView line) {
    if (const ValueView db = line["db"]; db.is_object()) {
      db_ = db.AsDoc().ToBytes();
    }
    for (const bson::ElementView e : line["run"].AsArray()) {
      const DocView run = e.value().AsDoc();
      const std::string difference = Command(run["cmd"].AsDoc(), run["reply"].AsDoc());
      if (!difference.empty()) {
        return difference;
      }
    }
    return "";
  }
  int compared() const { return compared_; }

 private:
  std::string Command(DocView command, DocView reply) {
    const ValueView pipeline = command["pipeline"];
    if (!pipeline.is_array() || pipeline.AsArray().CountFields() != 1) {
      return "";
    }
    const bson::ElementView stage =
        pipeline.AsArray().FirstElement().value().AsDoc().FirstElement();
    if (stage.name() != "$project") {
      return "";
    }
    ++compared_;
    ParseContext parse;
    const StatusOr<std::vector<Field>> fields = ParseFields(stage.value().AsDoc(), &parse);
    const ValueView docs = DocView(db_).Find(command.FirstElement().value().AsString());
    if (!reply.Has("cursor")) {
      return CompareError(fields.status(), fields, docs, reply);
    }
    if (!fields.ok()) {
      return StrCat("unexpected error ", CodeName(CodeOf(fields.status())), " ",
                    TextOf(fields.status()));
    }
    return CompareDocs(*fields, docs, reply["cursor"].AsDoc()["docs"]);
  }

  void Prepare(EvalContext* eval, DocView doc) {
    arena_.Reset();
    eval->arena = &arena_;
    eval->random = &random_;
    eval->now_millis = 1'600'000'000'000;
    eval->cluster_time = {1'600'000'000, 1};
    eval->root = doc;
  }

  std::string CompareError(Status status, const StatusOr<std::vector<Field>>& fields,
                           ValueView docs, DocView reply) {
    const int code = static_cast<int>(bson::ToInt64Clamped(reply["code"]));
    EvalContext eval;
    for (const bson::ElementView doc : docs.AsArray()) {
      Prepare(&eval, doc.value().AsDoc());
      for (size_t i = 0; status.ok() && i < fields->size(); ++i) {
        status = (*fields)[i].expression->Evaluate(&eval).status();
      }
    }
    const std::string wanted(StripPrefixes(reply["errmsg"].AsString()));
    constexpr std::string_view kUnknown = "Unknown expression ";
    if (code == 31325 && wanted.starts_with(kUnknown) &&
        IsExpressionOperator(wanted.substr(kUnknown.size()))) {
      return "";  // an operator that came later
    }
    if (status.ok()) {
      return StrCat("no error; wanted ", code, " ", wanted);
    }
    int got = static_cast<int>(CodeOf(status));
    std::string text(TextOf(status));
    if ((code == 31325 && got == 168) || (code == 16410 && got == 15983)) {
      // The projection's own codes and texts.
      return "";
    }
    return got == code && text == wanted
               ? ""
               : StrCat("error ", got, " '", text, "'; wanted ", code, " '", wanted, "'");
  }

  std::string CompareDocs(const std::vector<Field>& fields, ValueView docs, ValueView wanted) {
    EvalContext eval;
    auto want = wanted.AsArray().begin();
    for (const bson::ElementView doc : docs.AsArray()) {
      Prepare(&eval, doc.value().AsDoc());
      const DocView wanted_doc = want->value().AsDoc();
      ++want;
      for (const Field& field : fields) {
        const StatusOr<ValueView> v = field.expression->Evaluate(&eval);
        if (!v.ok()) {
          return StrCat(field.name, ": error ", CodeName(CodeOf(v.status())), " ",
                        TextOf(v.status()));
        }
        const ValueView w = wanted_doc[field.name];
        if (v->missing() != w.missing() || (!w.missing() && !SameValue(*v, w))) {
          return StrCat(field.name, ": ", Text(*v), "; wanted ", Text(w));
        }
      }
    }
    return "";
  }

  std::string db_;
  int compared_ = 0;
  bson::Arena arena_;
  Random random_{1};
};

TEST(RecordedExpressions, AgreeWithAServer) {
  const std::filesystem::path folder = bson::testing::DataFolder("SEPTET_RECORDED", "recorded");
  std::ifstream file(folder / "curated-agg-expr.jsonl");
  if (folder.empty() || !file) {
    GTEST_SKIP() << "no recorded answers at hand";
  }
  Replay replay;
  int agree = 0;
  int lines = 0;
  for (std::string text; std::getline(file, text); ++lines) {
    // Doubles of 2^63 were written as integers that are none.
    for (size_t at; (at = text.find("9223372036854776000")) != std::string::npos;) {
      text.replace(at, 19, "9223372036854775807");
    }
    const StatusOr<std::string> line = bson::FromJson(text);
    ASSERT_TRUE(line.ok()) << line.status();
    const std::string id(DocView(*line).Find("id").AsString());
    const std::string difference = replay.Line(DocView(*line));
    const auto known = kDifferences.find(id);
    agree += difference.empty() ? 1 : 0;
    if (known != kDifferences.end()) {
      EXPECT_FALSE(difference.empty()) << id << " agrees: take it off the list";
    } else {
      EXPECT_EQ(difference, "") << id;
    }
  }
  std::printf("%d of %d lines agree (%d commands compared)\n", agree, lines, replay.compared());
}

}  // namespace
}  // namespace septet::query
