// SPDX-License-Identifier: Apache-2.0
// Updates against a real server's answers: the documents after, the counts, and the errors' codes
// and texts. Every change is also replayed from its replication diff, twice.
#include <gtest/gtest.h>

#include "bson/value.h"

#include "query/expression/collation.h"
#include "query/update/update.h"
#include "tests/testing/recorded.h"

namespace septet::query {
namespace {

using testing::Answer;

using KnownDifferences = std::map<std::string, std::string>;

const KnownDifferences kKnownRandom = {};
const KnownDifferences kKnownCurated = {
    {"S03-037-replace-dollar-sub", "S03-056: names with $ may be stored below the top from 5.0"},
    {"S03-039-mod-constants", "the command refuses c without a pipeline"},
    {"S03-045-noeach", "S03-056: names with $ may be stored below the top from 5.0"},
    {"S05-085-pull-doc-eq", "S05-085: $eq names an exact value in later servers"},
};

// The collection under test and what an update command answers.
class Collection {
 public:
  explicit Collection(ValueView docs) {
    if (docs.is_array()) {
      for (const bson::ElementView e : docs.AsArray()) {
        docs_.push_back(e.value().AsDoc().ToBytes());
      }
    }
    ctx_.arena = &arena_;
    ctx_.now_millis = 1'600'000'000'000;
    ctx_.cluster_time = {1'600'000'000, 1};
  }

  // {n, nModified, errors}, as text.
  std::string RunUpdates(DocView cmd) {
    int64_t n = 0;
    int64_t modified = 0;
    std::string errors;
    const bool ordered = !cmd.Has("ordered") || cmd["ordered"].Truthy();
    int index = 0;
    for (const bson::ElementView e : cmd["updates"].AsArray()) {
      const Status status = RunOne(cmd, e.value().AsDoc(), &n, &modified);
      if (!status.ok()) {
        StrAppend(&errors, " ", index, ": ", testing::ToText(testing::AnswerOf(status)));
        if (ordered) {
          break;
        }
      }
      ++index;
    }
    return StrCat("n ", n, " nModified ", modified, errors);
  }

  std::string Text() const {
    std::string text;
    for (const std::string& doc : docs_) {
      StrAppend(&text, bson::ToCanonicalJson(DocView(testing::Normalized(DocView(doc)))), "\n");
    }
    return text;
  }

 private:
  void Declare(DocView values, ParseContext* variables) {
    for (const bson::ElementView e : values) {
      ctx_.SetKept(variables->Declare(e.name()), e.value());
    }
  }

  Status RunOne(DocView cmd, DocView statement, int64_t* n, int64_t* modified) {
    UpdateOptions options;
    MatchOptions match_options;
    std::shared_ptr<const Collation> collation;
    if (statement["collation"].is_object()) {
      ASSIGN_OR_RETURN(collation, ParseCollation(statement["collation"].AsDoc()));
      options.collator = match_options.collator = collation.get();
    }
    ctx_.collator = options.collator;
    ParseContext variables;
    variables.collator = options.collator;
    Declare(cmd["let"].is_object() ? cmd["let"].AsDoc() : DocView(), &variables);
    Declare(statement["c"].is_object() ? statement["c"].AsDoc() : DocView(), &variables);
    options.variables = match_options.variables = &variables;
    options.multi = statement["multi"].Truthy();
    options.upsert = statement["upsert"].Truthy();
    std::vector<DocView> filters;
    if (statement["arrayFilters"].is_array()) {
      for (const bson::ElementView e : statement["arrayFilters"].AsArray()) {
        filters.push_back(e.value().AsDoc());
      }
    }
    ASSIGN_OR_RETURN(auto update, ParseUpdate(statement["u"], filters, options));
    ASSIGN_OR_RETURN(auto matcher, Matcher::Parse(statement["q"].AsDoc(), match_options));
    int64_t matched = 0;
    for (std::string& doc : docs_) {
      MatchDetails details;
      ctx_.root = DocView(doc);
      ASSIGN_OR_RETURN(const bool matches, matcher->Matches(DocView(doc), &ctx_, &details));
      if (!matches) {
        continue;
      }
      UpdateResult result;
      RETURN_IF_ERROR(update->Apply(DocView(doc), &details, &ctx_, false, &result));
      ++matched;
      if (result.modified) {
        ++*modified;
        CheckLog(doc, result);
        doc = result.document;
      }
      if (!options.multi) {
        break;
      }
    }
    *n += matched;
    if (matched == 0 && options.upsert) {
      ASSIGN_OR_RETURN(std::string doc, update->MakeUpsertDocument(*matcher, &ctx_));
      docs_.push_back(std::move(doc));
      ++*n;
    }
    return OkStatus();
  }

  // The log entry turns the old document into the new one, and the new one into itself.
  static void CheckLog(const std::string& before, const UpdateResult& result) {
    if (result.replacement) {
      EXPECT_EQ(result.log_entry, result.document);
      return;
    }
    const DocView diff = DocView(result.log_entry)["diff"].AsDoc();
    for (const std::string& start : {before, result.document}) {
      auto replayed = ApplyDiff(DocView(start), diff);
      ASSERT_TRUE(replayed.ok()) << replayed.status();
      EXPECT_EQ(*replayed, result.document)
          << bson::ToShellText(DocView(start)) << " with " << bson::ToShellText(diff) << " gives "
          << bson::ToShellText(DocView(*replayed)) << " not "
          << bson::ToShellText(DocView(result.document));
    }
    const std::string made = MakeDiff(DocView(before), DocView(result.document));
    if (!made.empty()) {
      auto replayed = ApplyDiff(DocView(before), DocView(made));
      ASSERT_TRUE(replayed.ok()) << replayed.status();
      EXPECT_EQ(*replayed, result.document) << bson::ToShellText(DocView(made));
    }
  }

  std::vector<std::string> docs_;
  bson::Arena arena_;
  EvalContext ctx_;
};

std::string ExpectedReply(DocView reply) {
  std::string errors;
  if (reply["writeErrors"].is_array()) {
    for (const bson::ElementView e : reply["writeErrors"].AsArray()) {
      const DocView error = e.value().AsDoc();
      StrAppend(&errors, " ", bson::ExactInt64(error["index"]).value_or(-1), ": ",
                bson::ExactInt64(error["code"]).value_or(-1), " ", error["errmsg"].AsString());
    }
  }
  return StrCat("n ", bson::ExactInt64(reply["n"]).value_or(-1), " nModified ",
                bson::ExactInt64(reply["nModified"]).value_or(-1), errors);
}

std::string ExpectedDocs(DocView c) {
  std::string text;
  if (c["after"].is_object() && c["after"].AsDoc()["c"].is_array()) {
    for (const bson::ElementView e : c["after"].AsDoc()["c"].AsArray()) {
      StrAppend(&text, bson::ToCanonicalJson(e.value().AsDoc()), "\n");
    }
  }
  return text;
}

// Only updates (and reads between them), none refused by the command itself, no indexes.
bool IsUpdateCase(const testing::RecordedCase& c) {
  if (c.doc().Has("indexes") || !c.doc()["after"].is_object()) {
    return false;
  }
  bool updates = false;
  for (const bson::ElementView e : c.run()) {
    const DocView cmd = e.value().AsDoc()["cmd"].AsDoc();
    if (cmd.Has("find") || cmd.Has("aggregate")) {
      continue;
    }
    if (!cmd.Has("update") || !cmd["updates"].is_array() ||
        e.value().AsDoc()["reply"].AsDoc().Has("errmsg")) {
      return false;
    }
    updates = true;
  }
  return updates;
}

void RunFile(const char* file, const KnownDifferences& known) {
  const auto cases = testing::LoadRecorded(file);
  if (cases.empty()) {
    GTEST_SKIP();
  }
  testing::Differences differences(known);
  for (const testing::RecordedCase& c : cases) {
    if (!IsUpdateCase(c)) {
      continue;
    }
    Collection collection(c.db()["c"]);
    std::string found;
    std::string expected;
    std::string commands;
    for (const bson::ElementView e : c.run()) {
      const DocView cmd = e.value().AsDoc()["cmd"].AsDoc();
      if (cmd.Has("update")) {
        StrAppend(&commands, bson::ToShellText(cmd["updates"]), "\n");
        StrAppend(&expected, ExpectedReply(e.value().AsDoc()["reply"].AsDoc()), "\n");
        StrAppend(&found, collection.RunUpdates(cmd), "\n");
      }
    }
    StrAppend(&expected, ExpectedDocs(c.doc()));
    StrAppend(&found, collection.Text());
    if (found == expected) {
      differences.Same();
    } else {
      differences.Different(c.id(),
                            StrCat(commands, "  expected ", expected, "  found    ", found));
    }
  }
  differences.Print(file);
  EXPECT_EQ(differences.fresh(), 0);
  EXPECT_EQ(differences.Stale(), std::vector<std::string>());
}

TEST(RecordedUpdateTest, Random) {
  RunFile("update.jsonl", kKnownRandom);
}
TEST(RecordedUpdateTest, Curated) {
  RunFile("curated-update.jsonl", kKnownCurated);
}

}  // namespace
}  // namespace septet::query
