// SPDX-License-Identifier: Apache-2.0
// Filters against a real server's answers: the ids found, or the error's code and text.
#include <gtest/gtest.h>

#include "bson/value.h"

#include "query/expression/collation.h"
#include "query/match/matcher.h"
#include "tests/testing/recorded.h"

namespace septet::query {
namespace {

using testing::Answer;

// Filters that a later server answers differently, or that the matcher alone cannot answer.
using KnownDifferences = std::map<std::string, std::string>;

const KnownDifferences kKnownRandom = {};
const KnownDifferences kKnownCurated = {
    {"S03-008-badopt/0", "51108 (S03-008): unknown flags are refused from 5.0"},
    {"S03-008-badpattern/0", "S05-069: PCRE2 words the error otherwise"},
    {"S03-009-mod-inf/0", "S03-009: refused from 5.1"},
    {"S03-009-mod-nan/0", "S03-009: refused from 5.1"},
    {"S03-027-near-noindex/0", "the planner answers 291, the matcher alone does not"},
    {"S05-069-re-extended/0", "S05-069: PCRE2 ends a comment at the end of the pattern"},
    {"S07-024-schemaerr-patbad/0", "S05-069: PCRE2 words the error otherwise"},
};

struct Found {
  Answer answer;
  std::string ids;
};

Found RunFilter(DocView find, DocView db) {
  Found found;
  MatchOptions options;
  std::shared_ptr<const Collation> collation;
  if (find["collation"].is_object()) {
    auto parsed = ParseCollation(find["collation"].AsDoc());
    if (!parsed.ok()) {
      found.answer = testing::AnswerOf(parsed.status());
      return found;
    }
    collation = *parsed;
    options.collator = collation.get();
  }
  auto matcher = Matcher::Parse(find["filter"].AsDoc(), options);
  if (!matcher.ok()) {
    found.answer = testing::AnswerOf(matcher.status());
    return found;
  }
  bson::Arena arena;
  Random random(1);
  EvalContext ctx;
  ctx.arena = &arena;
  ctx.random = &random;
  ctx.collator = options.collator;
  const ValueView docs = db[find["find"].AsString()];
  if (!docs.is_array()) {
    return found;
  }
  for (const bson::ElementView e : docs.AsArray()) {
    auto matched = (*matcher)->Matches(e.value().AsDoc(), &ctx);
    if (!matched.ok()) {
      found.answer = testing::AnswerOf(matched.status());
      found.ids.clear();
      return found;
    }
    if (*matched) {
      StrAppend(&found.ids, bson::ToShellText(e.value().AsDoc()["_id"]), " ");
    }
  }
  return found;
}

std::string IdsOf(DocView reply) {
  std::string ids;
  for (const bson::ElementView e : reply["cursor"].AsDoc()["docs"].AsArray()) {
    StrAppend(&ids, bson::ToShellText(e.value().AsDoc()["_id"]), " ");
  }
  return ids;
}

void RunFile(const char* file, const KnownDifferences& known) {
  const auto cases = testing::LoadRecorded(file);
  if (cases.empty()) {
    GTEST_SKIP();
  }
  testing::Differences differences(known);
  for (const testing::RecordedCase& c : cases) {
    for (const bson::ElementView e : c.run()) {
      const DocView cmd = e.value().AsDoc()["cmd"].AsDoc();
      const DocView reply = e.value().AsDoc()["reply"].AsDoc();
      if (!cmd.Has("find") || !cmd["filter"].is_object()) {
        continue;
      }
      const std::string id = StrCat(c.id(), "/", e.name());
      const Answer expected = testing::AnswerOf(reply);
      const Found found = RunFilter(cmd, c.db());
      const std::string expected_ids = expected.code == 0 ? IdsOf(reply) : "";
      if (found.answer == expected && found.ids == expected_ids) {
        differences.Same();
        continue;
      }
      differences.Different(id,
                            StrCat(bson::ToShellText(cmd["filter"]).substr(0, 300), "\n  expected ",
                                   testing::ToText(expected), " ", expected_ids, "\n  found    ",
                                   testing::ToText(found.answer), " ", found.ids));
    }
  }
  differences.Print(file);
  EXPECT_EQ(differences.fresh(), 0);
  EXPECT_EQ(differences.Stale(), std::vector<std::string>());
}

TEST(RecordedFilterTest, Random) {
  RunFile("filter.jsonl", kKnownRandom);
}
TEST(RecordedFilterTest, Curated) {
  RunFile("curated-match.jsonl", kKnownCurated);
}

}  // namespace
}  // namespace septet::query
