// SPDX-License-Identifier: Apache-2.0
#include "index/spec.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "bson/ejson.h"
#include "bson/testing/data_folder.h"

namespace septet::index {
namespace {

using bson::DocView;
using bson::ValueView;

StatusOr<Spec> Parse(std::string_view json, bool ignore_unknown = false) {
  const std::string doc = *bson::FromJson(json);
  return ParseSpec(DocView(doc), ignore_unknown);
}

TEST(SpecTest, S06_002_NormalForm) {
  const auto spec = Parse(R"({"key":{"a":1,"b.c":-1},"name":"n","sparse":true,"unique":1})");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(bson::ToRelaxedJson(DocView(spec->document)),
            R"({"v":2,"unique":true,"key":{"a":1,"b.c":-1},"name":"n","sparse":true})");
  EXPECT_EQ(spec->descending_mask, 2u);
  EXPECT_TRUE(spec->sparse && spec->unique && !spec->is_id);
}

TEST(SpecTest, S06_001_IdIndex) {
  const auto spec = Parse(R"({"key":{"_id":1},"name":"x"})");
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(bson::ToRelaxedJson(DocView(spec->document)),
            R"({"v":2,"key":{"_id":1},"name":"_id_"})");
  EXPECT_EQ(bson::ToRelaxedJson(DocView(IdIndexSpec().document)),
            R"({"v":2,"key":{"_id":1},"name":"_id_"})");
  EXPECT_TRUE(spec->unique && IdIndexSpec().unique);
}

TEST(SpecTest, S06_021_UnknownOption) {
  EXPECT_EQ(CodeOf(Parse(R"({"key":{"a":1},"name":"n","foo":1})").status()),
            ErrorCode::kInvalidIndexSpecificationOption);
  const auto spec = Parse(R"({"key":{"a":1},"name":"n","foo":1,"ns":"a.b"})", true);
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(bson::ToRelaxedJson(DocView(spec->document)), R"({"v":2,"key":{"a":1},"name":"n"})");
}

// What is wrong is told before that the type is not built; texts are a server's (recorded).
TEST(SpecTest, S06_008_SpecialTypesAreCheckedFirst) {
  const auto refusal = [](std::string_view json) {
    const std::string text(TextOf(Parse(json).status()));
    const size_t cause = text.find(" :: caused by :: ");
    return cause == std::string::npos ? text : text.substr(cause + 17);
  };
  EXPECT_EQ(refusal(R"({"key":{"a":"text"},"name":"t","weights":{"a":100000}})"),
            "text index weight must be in the exclusive interval (0,100000) but found: 100000");
  EXPECT_EQ(refusal(R"({"key":{"a":"text"},"name":"t","default_language":1})"),
            "default_language needs a string type");
  EXPECT_EQ(refusal(R"({"key":{"a":"text","x":1,"b":"text"},"name":"t"})"),
            "'text' fields in index must all be adjacent");
  EXPECT_EQ(refusal(R"({"key":{"g":"2dsphere"},"name":"g","2dsphereIndexVersion":9})"),
            "unsupported geo index version { 2dsphereIndexVersion : 2dsphereIndexVersion: 9 }, only "
            "versions: [1,2,3] are supported");
  EXPECT_EQ(refusal(R"({"key":{"$**":1},"name":"w","unique":true})"),
            "Index type 'wildcard' does not support the unique option");
  EXPECT_EQ(refusal(R"({"key":{"$**":1},"name":"w","expireAfterSeconds":5})"),
            "Index type 'wildcard' cannot be a TTL index");
  EXPECT_EQ(refusal(R"({"key":{"$**":1},"name":"w","wildcardProjection":{"a":1,"b":0}})"),
            "Failed to parse: wildcardProjection :: caused by :: Cannot do exclusion on field b in "
            "inclusion projection");
  EXPECT_EQ(CodeOf(Parse(R"({"key":{"a.$**":1},"name":"w","wildcardProjection":{"b":1}})").status()),
            ErrorCode::kFailedToParse);
  EXPECT_EQ(refusal(R"({"key":{"$**":1},"name":"w"})"),
            "Index type 'wildcard' is not supported by this server");
}

TEST(SpecTest, S06_023_Identity) {
  const auto a = *Parse(R"({"key":{"a":1},"name":"a_1"})");
  const auto same = *Parse(R"({"key":{"a":1.0},"name":"other","hidden":true})");
  const auto other_way = *Parse(R"({"key":{"a":-1},"name":"a_-1"})");
  const auto unique = *Parse(R"({"key":{"a":1},"name":"u","unique":true})");
  EXPECT_TRUE(SameIdentity(a, same) && SameOptions(a, same));
  EXPECT_FALSE(SameIdentity(a, other_way));
  EXPECT_TRUE(SameIdentity(a, unique));
  EXPECT_FALSE(SameOptions(a, unique));
}

// What this floor cannot do alone, or not at all.
bool NeedsMore(DocView spec) {
  // bucketSize belongs to the haystack index, which is gone.
  for (const char* name : {"bucketSize", "collation", "partialFilterExpression",
                           "wildcardProjection"}) {
    if (spec.Has(name)) {
      return true;
    }
  }
  const ValueView key = spec.Find("key");
  if (!key.is_object()) {
    return false;
  }
  for (const bson::ElementView e : key.AsDoc()) {
    const bool plugin = e.value().is_string() &&
                        (e.value().AsString() == "text" || e.value().AsString().starts_with("2d"));
    if (plugin || e.name().find("$**") != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// The last document of a listIndexes reply.
std::string LastListed(DocView reply) {
  std::string last;
  for (const bson::ElementView e : reply.Find("cursor").AsDoc().Find("docs").AsArray()) {
    last = e.value().AsDoc().ToBytes();
  }
  return last;
}

// Documents and errors of a real server.
TEST(SpecTest, RecordedSpecifications) {
  const std::filesystem::path path =
      bson::testing::DataFolder("SEPTET_RECORDED", "recorded") / "curated-index.jsonl";
  std::ifstream file(path);
  if (!file) {
    GTEST_SKIP() << "no recorded answers at " << path;
  }
  int checked = 0;
  std::string line;
  while (std::getline(file, line)) {
    const std::string bytes = *bson::FromJson(line);
    const DocView test(bytes);
    const std::string_view id = test.Find("id").AsString();
    if (!id.starts_with("index-S06-spec-")) {
      continue;
    }
    std::vector<DocView> runs;
    for (const bson::ElementView e : test.Find("run").AsArray()) {
      runs.push_back(e.value().AsDoc());
    }
    const DocView reply = runs[0].Find("reply").AsDoc();
    const ValueView specs = runs[0].Find("cmd").AsDoc().Find("indexes");
    const DocView spec = specs.AsArray().FirstElement().value().AsDoc();
    // A build's text starts with the build's uuid; "hidden" was called "name" by mistake.
    if (NeedsMore(spec) || id.ends_with("hiddennum")) {
      continue;
    }
    const auto parsed = ParseSpec(spec);
    ++checked;
    if (!reply.Find("code").missing()) {
      const std::string_view text = reply.Find("errmsg").AsString();
      EXPECT_EQ(static_cast<int>(CodeOf(parsed.status())), reply.Find("code").AsInt32()) << id;
      if (!text.starts_with("Index build failed")) {
        EXPECT_EQ(TextOf(parsed.status()), text) << id;
      }
      continue;
    }
    ASSERT_TRUE(parsed.ok()) << id << parsed.status();
    if (runs.size() > 1 && !parsed->is_id) {
      const std::string listed = LastListed(runs[1].Find("reply").AsDoc());
      EXPECT_EQ(bson::Compare(DocView(parsed->document), DocView(listed)), 0)
          << id << bson::ToCanonicalJson(DocView(parsed->document)) << " for "
          << bson::ToCanonicalJson(DocView(listed));
    }
  }
  EXPECT_GT(checked, 40);
}

}  // namespace
}  // namespace septet::index
