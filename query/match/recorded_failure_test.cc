// SPDX-License-Identifier: Apache-2.0
// The details of validation failures against a real server's (S07-021).
#include <gtest/gtest.h>

#include "bson/value.h"

#include "query/match/matcher.h"
#include "tests/testing/recorded.h"

namespace septet::query {
namespace {

// The reply's details for document `index` of an insert, or empty.
std::string ExpectedDetails(DocView reply) {
  if (!reply["writeErrors"].is_array()) {
    return "";
  }
  const DocView error = reply["writeErrors"].AsArray().FirstElement().value().AsDoc();
  if (!error["errInfo"].is_object()) {
    return "";
  }
  return bson::ToCanonicalJson(error["errInfo"].AsDoc()["details"].AsDoc());
}

std::string FoundDetails(DocView validator, DocView doc) {
  auto matcher = Matcher::Parse(validator, {});
  if (!matcher.ok()) {
    return std::string(TextOf(matcher.status()));
  }
  bson::Arena arena;
  EvalContext ctx;
  ctx.arena = &arena;
  ctx.root = doc;
  auto matched = (*matcher)->Matches(doc, &ctx);
  if (!matched.ok() || *matched) {
    return "";
  }
  return bson::ToCanonicalJson(DocView((*matcher)->ExplainFailure(doc, &ctx)));
}

TEST(RecordedFailureTest, S07_021) {
  const auto cases = testing::LoadRecorded("curated-ddl.jsonl");
  if (cases.empty()) {
    GTEST_SKIP();
  }
  testing::Differences differences({});
  for (const testing::RecordedCase& c : cases) {
    // Levels and actions that let the document pass are the command's.
    if (!c.id().starts_with("S07-021-validate") || c.id() == "S07-021-validate-warn" ||
        c.id() == "S07-021-validate-off") {
      continue;
    }
    DocView validator;
    for (const bson::ElementView e : c.run()) {
      const DocView cmd = e.value().AsDoc()["cmd"].AsDoc();
      const DocView reply = e.value().AsDoc()["reply"].AsDoc();
      if (cmd.Has("create") && cmd["validator"].is_object()) {
        validator = cmd["validator"].AsDoc();
      }
      if (!cmd.Has("insert") || !cmd["documents"].is_array() ||
          cmd["documents"].AsArray().CountFields() != 1 || cmd.Has("bypassDocumentValidation")) {
        continue;
      }
      const DocView doc = cmd["documents"].AsArray().FirstElement().value().AsDoc();
      const std::string expected = ExpectedDetails(reply);
      const std::string found = FoundDetails(validator, doc);
      if (expected == found) {
        differences.Same();
      } else {
        differences.Different(StrCat(c.id(), "/", e.name()),
                              StrCat(bson::ToShellText(validator), " ", bson::ToShellText(doc),
                                     "\n  expected ", expected, "\n  found    ", found));
      }
    }
  }
  differences.Print("validation failures");
  EXPECT_EQ(differences.fresh(), 0);
}

}  // namespace
}  // namespace septet::query
