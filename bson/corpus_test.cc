// SPDX-License-Identifier: Apache-2.0
// The drivers' BSON corpus: bytes, canonical, degenerate and relaxed JSON of each value, and what must
// be refused. Skips where the corpus is missing.
#include <fstream>
#include <sstream>

#include "bson/ejson.h"
#include "bson/number.h"
#include "bson/testing/data_folder.h"
#include "bson/validate.h"
#include "gtest/gtest.h"

namespace septet::bson {
namespace {

std::string FromHex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

// JSON written one way: parsed and printed canonically.
std::string Normal(std::string_view json) {
  const auto doc = FromJson(json);
  return doc.ok() ? ToCanonicalJson(DocView(*doc)) : std::string(TextOf(doc.status()));
}

void CheckValid(DocView test) {
  const std::string bytes = FromHex(test["canonical_bson"].AsString());
  EXPECT_TRUE(Validate(bytes, {.check_utf8 = true}).ok());
  const DocView doc(bytes);
  const bool lossy = test["lossy"].Truthy();
  const auto json = test["canonical_extjson"].AsString();
  EXPECT_EQ(ToCanonicalJson(doc), Normal(json));
  if (!lossy) {
    const auto parsed = FromJson(json);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, bytes);
  }
  if (const ValueView degenerate = test["degenerate_extjson"]; degenerate.is_string()) {
    const auto parsed = FromJson(degenerate.AsString());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_TRUE(lossy || *parsed == bytes);
  }
  if (const ValueView relaxed = test["relaxed_extjson"]; relaxed.is_string()) {
    std::string spaceless;
    for (const char c : relaxed.AsString()) {
      spaceless += c == ' ' ? "" : std::string(1, c);
    }
    std::string ours = ToRelaxedJson(doc);
    std::erase(ours, ' ');
    if (spaceless.find("\\u") == std::string::npos) {
      EXPECT_EQ(ours, spaceless);
    }
  }
  if (const ValueView degenerate = test["degenerate_bson"]; degenerate.is_string()) {
    EXPECT_TRUE(Validate(FromHex(degenerate.AsString())).ok());
  }
}

void CheckFile(DocView file) {
  for (const ElementView e : file["valid"].missing() ? DocView() : file["valid"].AsArray()) {
    SCOPED_TRACE(std::string(e.value().AsDoc()["description"].AsString()));
    CheckValid(e.value().AsDoc());
  }
  for (const ElementView e :
       file["decodeErrors"].missing() ? DocView() : file["decodeErrors"].AsArray()) {
    const DocView test = e.value().AsDoc();
    // A server does not look into binary data.
    if (test["description"].AsString().starts_with("subtype 0x02")) {
      continue;
    }
    EXPECT_FALSE(Validate(FromHex(test["bson"].AsString()), {.check_utf8 = true}).ok())
        << test["description"].AsString();
  }
  const bool decimals = file["bson_type"].AsString() == "0x13";
  for (const ElementView e :
       file["parseErrors"].missing() ? DocView() : file["parseErrors"].AsArray()) {
    const DocView test = e.value().AsDoc();
    const std::string_view text = test["string"].AsString();
    if (decimals) {
      // Numbers that do not fit are rounded by a server, not refused.
      const auto d = DecimalFromString(text);
      EXPECT_TRUE(!d.has_value() || text.find_first_of("0123456789") != std::string_view::npos)
          << text;
    } else {
      EXPECT_FALSE(FromJson(text).ok()) << test["description"].AsString();
    }
  }
}

TEST(Corpus, AllFiles) {
  const auto folder = testing::DataFolder("SEPTET_SPEC_TESTS", "spec-tests") / "bson-corpus";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "the BSON corpus is not there";
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    const auto file = FromJson(text.str());
    ASSERT_TRUE(file.ok()) << file.status();
    CheckFile(DocView(*file));
    ++files;
  }
  EXPECT_GT(files, 20);
}

}  // namespace
}  // namespace septet::bson
