// SPDX-License-Identifier: Apache-2.0
#include "bson/ejson.h"

#include <fstream>

#include "bson/compare.h"
#include "bson/testing/data_folder.h"
#include "bson/testing/random_bson.h"
#include "bson/validate.h"
#include "gtest/gtest.h"

namespace septet::bson {
namespace {

std::string Relaxed(std::string_view json) {
  const auto doc = FromJson(json);
  return doc.ok() ? ToRelaxedJson(DocView(*doc)) : std::string(TextOf(doc.status()));
}
std::string Shell(std::string_view json) { return ToShellText(DocView(*FromJson(json))); }

// Values from the extended JSON specification's conversion table.
TEST(Ejson, BothForms) {
  const struct {
    const char* canonical;
    const char* relaxed;
  } rows[] = {
      {R"({"a":{"$oid":"5d505646cf6d4fe581014ab2"}})", R"({"a":{"$oid":"5d505646cf6d4fe581014ab2"}})"},
      {R"({"a":{"$numberInt":"42"}})", R"({"a":42})"},
      {R"({"a":{"$numberLong":"4200000000"}})", R"({"a":4200000000})"},
      {R"({"a":{"$numberDouble":"42.42"}})", R"({"a":42.42})"},
      {R"({"a":{"$numberDouble":"-0.0"}})", R"({"a":-0.0})"},
      {R"({"a":{"$numberDouble":"1E+20"}})", R"({"a":1E+20})"},
      {R"({"a":{"$numberDouble":"NaN"}})", R"({"a":{"$numberDouble":"NaN"}})"},
      {R"({"a":{"$numberDecimal":"1234.50"}})", R"({"a":{"$numberDecimal":"1234.50"}})"},
      {R"({"a":{"$binary":{"base64":"Zm9v","subType":"00"}}})",
       R"({"a":{"$binary":{"base64":"Zm9v","subType":"00"}}})"},
      {R"({"a":{"$date":{"$numberLong":"1565546054692"}}})", R"({"a":{"$date":"2019-08-11T17:54:14.692Z"}})"},
      {R"({"a":{"$date":{"$numberLong":"-1"}}})", R"({"a":{"$date":{"$numberLong":"-1"}}})"},
      {R"({"a":{"$timestamp":{"t":1565545664,"i":1}}})", R"({"a":{"$timestamp":{"t":1565545664,"i":1}}})"},
      {R"({"a":{"$code":"f","$scope":{"x":{"$numberInt":"1"}}}})", R"({"a":{"$code":"f","$scope":{"x":1}}})"},
      {R"({"a":[{"$minKey":1},null,true,{"$undefined":true},"q\"\\\n\u0001"]})",
       R"({"a":[{"$minKey":1},null,true,{"$undefined":true},"q\"\\\n\u0001"]})"},
  };
  for (const auto& row : rows) {
    const auto doc = FromJson(row.canonical);
    ASSERT_TRUE(doc.ok()) << row.canonical << doc.status();
    EXPECT_TRUE(Validate(*doc).ok());
    EXPECT_EQ(ToCanonicalJson(DocView(*doc)), row.canonical);
    EXPECT_EQ(ToRelaxedJson(DocView(*doc)), row.relaxed);
  }
}

TEST(Ejson, ParsesPlainJson) {
  const std::string bytes = *FromJson(
      R"( { "i" : 1 , "l" : 3000000000, "big": 1e400, "d": 1.0, "e": 1E2, "s": "\u00e9\ud83d\ude00\/",
      "n": null, "o": {}, "a": [ [], [ 1, [2] ] , false ], "i": 2, "min": -9223372036854775808,
      "over": 9223372036854775808 } )");
  const DocView d(bytes);
  EXPECT_EQ(d["i"].type(), Type::kInt32);
  EXPECT_EQ(d["l"].AsInt64(), 3000000000);
  EXPECT_EQ(d["big"].AsDouble(), HUGE_VAL);
  EXPECT_EQ(d["d"].AsDouble(), 1.0);
  EXPECT_EQ(d["e"].AsDouble(), 100.0);
  EXPECT_EQ(d["s"].AsString(), "\xc3\xa9\xf0\x9f\x98\x80/");
  EXPECT_EQ(d["min"].AsInt64(), INT64_MIN);
  EXPECT_EQ(d["over"].AsDouble(), 0x1p63);
  EXPECT_EQ(d.CountFields(), 12);  // duplicates are kept
  EXPECT_EQ(ToRelaxedJson(d["a"]), "[[],[1,[2]],false]");
  EXPECT_EQ(Relaxed(R"({"d":{"$date":"2019-08-11T19:54:14.6+02:00"}})"),
            R"({"d":{"$date":"2019-08-11T17:54:14.600Z"}})");
  EXPECT_EQ(Relaxed(R"({"d":{"$date":"1970-01-01T00:00:00Z"}})"), R"({"d":{"$date":"1970-01-01T00:00:00Z"}})");
  EXPECT_EQ(Relaxed(R"({"b":{"$binary":"Zg==","$type":"80"}})"),
            R"({"b":{"$binary":{"base64":"Zg==","subType":"80"}}})");
  EXPECT_EQ(Relaxed(R"({"q":{"\u0024gt":1,"$lt":{"$numberLong":"5"}}})"), R"({"q":{"$gt":1,"$lt":5}})");
}

TEST(Ejson, RejectsBadJson) {
  for (const char* json :
       {"", "{", "[]", "{}x", R"({"a"})", R"({"a":})", R"({"a":1,})", R"({"a":01})", R"({"a":1.})",
        R"({"a":.5})", R"({"a":-})", R"({"a":1e})", R"({"a":tru})", R"({"a":"x)", R"({"a":"\x"})",
        R"({"a":"\ud800"})", R"({"a":"\u12"})", "{\"a\":\"\n\"}", R"({"a":[1 2]})", R"({a:1})",
        R"({'a':1})", R"({"a":{"$numberInt":"2147483648"}})", R"({"a":{"$date":"2019-02-30T00:00:00Z"}})",
        R"({"a":{"$oid":"5d505646cf6d4fe581014ab"}})", R"({"a":{"$numberDouble":"inf"}})",
        R"({"a":{"$numberInt":""}})", R"({"a":{"$binary":{"base64":"Zg=","subType":"00"}}})"}) {
    EXPECT_FALSE(FromJson(json).ok()) << json;
  }
  const std::string deep(5000, '[');
  EXPECT_EQ(CodeOf(FromJson("{\"a\":" + deep).status()), ErrorCode::kOverflow);
}

// Shapes seen in a server's messages.
TEST(ShellText, PrintsLikeAServer) {
  EXPECT_EQ(Shell(R"({"a":1,"b":"x","c":{"$oid":"000000000000000000000001"},"d":{"$date":{"$numberLong":"0"}},
                     "e":null,"f":1.5,"g":[1,2]})"),
            "{ a: 1, b: \"x\", c: ObjectId('000000000000000000000001'), d: new Date(0), e: null, "
            "f: 1.5, g: [ 1, 2 ] }");
  EXPECT_EQ(Shell(R"({"a":{"$binary":{"base64":"AQ==","subType":"00"}}})"), "{ a: BinData(0, 01) }");
  EXPECT_EQ(Shell(R"({"id":{"$uuid":"81ee2be4-c90e-4cbe-9743-940b8b334030"}})"),
            "{ id: UUID(\"81ee2be4-c90e-4cbe-9743-940b8b334030\") }");
  EXPECT_EQ(Shell(R"({"a":{"$undefined":true}})"), "{ a: undefined }");
  EXPECT_EQ(Shell(R"({"a":"q\"uote"})"), "{ a: \"q\"uote\" }");
  EXPECT_EQ(Shell(R"({"getMore":5.0,"c":{},"l":[]})"), "{ getMore: 5.0, c: {}, l: [] }");
  EXPECT_EQ(Shell(R"({"ts":{"$timestamp":{"t":4000000000,"i":1}}})"), "{ ts: Timestamp(4000000000, 1) }");
  EXPECT_EQ(Shell("{}"), "{}");
  EXPECT_EQ(ToShellText(DocView(*FromJson(R"({"r":{"$regularExpression":{"pattern":"^h","options":"i"}}})"))["r"]),
            "/^h/i");
}

std::vector<std::string> RecordedLines() {
  std::vector<std::string> lines;
  const auto folder = testing::DataFolder("SEPTET_RECORDED", "recorded");
  if (folder.empty()) {
    return lines;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".jsonl") {
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
      }
    }
  }
  return lines;
}

TEST(Ejson, RecordedLinesComeBackByteForByte) {
  const std::vector<std::string> lines = RecordedLines();
  if (lines.empty()) {
    GTEST_SKIP() << "no recorded answers found";
  }
  for (const std::string& line : lines) {
    // Four lines hold doubles that the recorder wrote as a $numberLong out of range.
    if (line.find("9223372036854776000\"") != std::string::npos ||
        line.find("{\"$numberLong\":\"64563604257983430000") != std::string::npos) {
      EXPECT_FALSE(FromJson(line).ok());
      continue;
    }
    const auto doc = FromJson(line);
    ASSERT_TRUE(doc.ok()) << doc.status() << line.substr(0, 200);
    ASSERT_TRUE(Validate(*doc, {.check_utf8 = true, .check_array_names = true}).ok());
    const std::string json = ToCanonicalJson(DocView(*doc));
    const auto again = FromJson(json);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, *doc);
  }
}

TEST(Ejson, RandomDocumentsComeBack) {
  testing::RandomBson random(5);
  for (int i = 0; i < 3000; ++i) {
    const std::string doc = random.Doc();
    if (!Validate(doc, {.check_utf8 = true}).ok()) {
      continue;  // JSON is UTF-8
    }
    const std::string json = ToCanonicalJson(DocView(doc));
    const auto again = FromJson(json);
    ASSERT_TRUE(again.ok()) << again.status() << json;
    EXPECT_EQ(Compare(DocView(*again), DocView(doc)), 0) << json;
    EXPECT_EQ(ToCanonicalJson(DocView(*again)), json);
  }
}

}  // namespace
}  // namespace septet::bson
