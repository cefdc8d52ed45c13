// SPDX-License-Identifier: Apache-2.0
// Projections of find, $project, $addFields and $unset against a real server's answers: the
// documents, or the error's code and text.
#include <gtest/gtest.h>

#include "bson/value.h"

#include "query/expression/collation.h"
#include "query/expression/field_path.h"
#include "query/projection/projection.h"
#include "tests/testing/recorded.h"

namespace septet::query {
namespace {

using testing::Answer;

const std::map<std::string, std::string> kKnown = {
    {"S04-028-stage-meta/0",
     "the pipeline knows what metadata there is, a projection alone does not"},
};

struct Projected {
  Answer answer;
  std::string docs;  // as shell text, one a line
};

struct Request {
  DocView filter;
  DocView spec;
  ProjectionPolicy policy = ProjectionPolicy::kFind;
  std::string_view prefix;  // of error texts of parsing
};

Projected Fail(std::string_view prefix, const Status& status) {
  Answer answer = testing::AnswerOf(status);
  answer.text = StrCat(prefix, answer.text);
  return {answer, ""};
}

Projected Run(const Request& request, ValueView docs) {
  ParseContext variables;
  auto matcher = Matcher::Parse(request.filter, {});
  if (!matcher.ok()) {
    return Fail("", matcher.status());
  }
  auto projection = ParseProjection(request.spec, request.policy, &variables, matcher->get());
  if (!projection.ok()) {
    return Fail(request.prefix, projection.status());
  }
  if (!variables.fold_status().ok()) {
    return Fail("", variables.fold_status());
  }
  Projected out;
  bson::Arena arena;
  EvalContext ctx;
  ctx.arena = &arena;
  ctx.now_millis = 1'600'000'000'000;
  for (const bson::ElementView e : docs.AsArray()) {
    ctx.root = e.value().AsDoc();
    MatchDetails details;
    auto matched = (*matcher)->Matches(ctx.root, &ctx, &details);
    if (!matched.ok() || !*matched) {
      continue;
    }
    std::string bytes;
    const Status status = (*projection)->Apply(ctx.root, &ctx, &details, nullptr, &bytes);
    if (!status.ok()) {
      return Fail("", status);
    }
    StrAppend(&out.docs, bson::ToCanonicalJson(DocView(testing::Normalized(DocView(bytes)))), "\n");
  }
  return out;
}

std::string DocsOf(DocView reply) {
  std::string docs;
  for (const bson::ElementView e : reply["cursor"].AsDoc()["docs"].AsArray()) {
    StrAppend(&docs, bson::ToCanonicalJson(e.value().AsDoc()), "\n");
  }
  return docs;
}

// A find with a projection, or a pipeline of one projecting stage; false for anything else.
bool RequestOf(DocView cmd, std::string* spec_bytes, Request* request) {
  if (cmd.Has("find")) {
    if (!cmd["projection"].is_object()) {
      return false;
    }
    request->filter = cmd["filter"].AsDoc();
    request->spec = cmd["projection"].AsDoc();
    return !cmd.Has("collation") && !cmd.Has("hint");
  }
  if (!cmd["pipeline"].is_array() || cmd["pipeline"].AsArray().CountFields() != 1) {
    return false;
  }
  const bson::ElementView stage =
      cmd["pipeline"].AsArray().FirstElement().value().AsDoc().FirstElement();
  if (stage.name() == "$project") {
    request->policy = ProjectionPolicy::kAggregate;
    request->prefix = "Invalid $project :: caused by :: ";
  } else if (stage.name() == "$addFields") {
    request->policy = ProjectionPolicy::kAddFields;
    request->prefix = "Invalid $addFields :: caused by :: ";
  } else if (stage.name() == "$unset" && (stage.value().is_string() || stage.value().is_array())) {
    request->policy = ProjectionPolicy::kUnset;
    request->prefix = "Invalid $unset :: caused by :: ";
    bson::DocBuilder spec;
    if (stage.value().is_string()) {
      spec.Append(stage.value().AsString(), 0);
    } else {
      for (const bson::ElementView e : stage.value().AsArray()) {
        spec.Append(e.value().AsString(), 0);
      }
    }
    *spec_bytes = spec.Finish();
    request->spec = DocView(*spec_bytes);
    return true;
  } else {
    return false;
  }
  request->spec = stage.value().is_object() ? stage.value().AsDoc() : DocView();
  return stage.value().is_object();
}

void RunFile(const char* file) {
  const auto cases = testing::LoadRecorded(file);
  if (cases.empty()) {
    GTEST_SKIP();
  }
  testing::Differences differences(kKnown);
  for (const testing::RecordedCase& c : cases) {
    for (const bson::ElementView e : c.run()) {
      const DocView cmd = e.value().AsDoc()["cmd"].AsDoc();
      const DocView reply = e.value().AsDoc()["reply"].AsDoc();
      Request request;
      std::string spec;
      if (!RequestOf(cmd, &spec, &request) || !c.db()["c"].is_array()) {
        continue;
      }
      const Answer expected = testing::AnswerOf(reply);
      const std::string expected_docs = expected.code == 0 ? DocsOf(reply) : "";
      const Projected found = Run(request, c.db()["c"]);
      if (found.answer == expected && found.docs == expected_docs) {
        differences.Same();
        continue;
      }
      differences.Different(
          StrCat(c.id(), "/", e.name()),
          StrCat(bson::ToShellText(request.spec), "\n  expected ", testing::ToText(expected), "\n",
                 expected_docs, "  found    ", testing::ToText(found.answer), "\n", found.docs));
    }
  }
  differences.Print(file);
  EXPECT_EQ(differences.fresh(), 0);
  EXPECT_EQ(differences.Stale(), std::vector<std::string>());
}

TEST(RecordedProjectionTest, Curated) {
  RunFile("curated-projection.jsonl");
}

}  // namespace
}  // namespace septet::query
