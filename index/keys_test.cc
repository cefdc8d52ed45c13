// SPDX-License-Identifier: Apache-2.0
// Rules: manual "multikey indexes", "sparse indexes"; surface S06-002..005.
#include <gtest/gtest.h>

#include "bson/builder.h"
#include "bson/ejson.h"
#include "index/spec.h"

namespace septet::index {
namespace {

using bson::DocView;

struct Made {
  std::string keys;  // "[{...},{...}]" in index order
  uint64_t multikey = 0;
  Status status;
};

Made Make(std::string_view spec_json, std::string_view doc_json) {
  const std::string spec_bytes = *bson::FromJson(spec_json);
  const auto spec = ParseSpec(DocView(spec_bytes));
  EXPECT_TRUE(spec.ok()) << spec.status();
  const std::string doc = *bson::FromJson(doc_json);
  KeySet set;
  Made out;
  out.status = MakeKeys(*spec, 7, DocView(doc), &set);
  out.multikey = set.multikey;
  for (const auto& key : set.keys) {
    bson::DocBuilder b;
    EXPECT_TRUE(storage::DecodeKey(key.bytes, key.type_bits,
                                   static_cast<int>(spec->fields.size()), spec->descending_mask,
                                   &b)
                    .ok());
    const std::string bytes = b.Finish();
    out.keys += "(";
    bool first = true;
    for (const bson::ElementView e : DocView(bytes)) {
      out.keys += (first ? "" : ", ") + bson::ToShellText(e.value());
      first = false;
    }
    out.keys += ")";
  }
  return out;
}

std::string Keys(std::string_view key, std::string_view doc, std::string_view options = "") {
  const Made made =
      Make(R"({"key":)" + std::string(key) + R"(,"name":"n")" + std::string(options) + "}", doc);
  return made.status.ok() ? made.keys
                          : "error " + std::to_string(static_cast<int>(CodeOf(made.status)));
}

constexpr char kSparse[] = R"(,"sparse":true)";

TEST(KeysTest, Scalars) {
  EXPECT_EQ(Keys(R"({"a":1})", R"({"a":5})"), "(5)");
  EXPECT_EQ(Keys(R"({"a":1})", R"({"b":5})"), "(null)");
  EXPECT_EQ(Keys(R"({"a":-1,"b":1})", R"({"a":5,"b":"x"})"), R"((5, "x"))");
  EXPECT_EQ(Keys(R"({"a":1})", R"({"a":{"b":1,"c":2}})"), "({ b: 1, c: 2 })");
  EXPECT_EQ(Keys(R"({"a.b":1})", R"({"a":{"b":4},"c":"foo"})"), "(4)");
  EXPECT_EQ(Keys(R"({"a.b":1})", R"({"a":3})"), "(null)");
}

TEST(KeysTest, ArraysAtTheEnd) {
  EXPECT_EQ(Keys(R"({"a":1})", R"({"a":[3,1,2,1]})"), "(1)(2)(3)");
  EXPECT_EQ(Keys(R"({"a":1})", R"({"a":[]})"), "(undefined)");
  EXPECT_EQ(Keys(R"({"a":1})", R"({"a":[[1,2],3]})"), "(3)([ 1, 2 ])");
  EXPECT_EQ(Keys(R"({"a":1})", R"({"a":[null,{"b":1}]})"), "(null)({ b: 1 })");
  EXPECT_EQ(Keys(R"({"a":-1})", R"({"a":[1,2]})"), "(2)(1)");
}

TEST(KeysTest, ArraysInTheMiddle) {
  EXPECT_EQ(Keys(R"({"a.b":1})", R"({"a":[{"b":1,"c":4},{"b":2,"c":4}]})"), "(1)(2)");
  EXPECT_EQ(Keys(R"({"a.b":1})", R"({"a":[]})"), "(null)");
  EXPECT_EQ(Keys(R"({"a.b":1})", R"({"a":[1,{"b":2}]})"), "(null)(2)");
  EXPECT_EQ(Keys(R"({"a.b":1})", R"({"a":[{"b":[]}]})"), "(undefined)");
  EXPECT_EQ(Keys(R"({"a.b":1})", R"({"a":[{"b":[1,2]},{"b":[3]}]})"), "(1)(2)(3)");
  EXPECT_EQ(Keys(R"({"a.b":1})", R"({"a":[[{"b":1}]]})"), "(null)");
  EXPECT_EQ(Keys(R"({"a.b.c":1})", R"({"a":[{"b":[{"c":1},{"c":2}]},{"b":{"c":3}}]})"),
            "(1)(2)(3)");
}

TEST(KeysTest, S06_003_Compound) {
  EXPECT_EQ(Keys(R"({"a":1,"b":1})", R"({"a":[1,2],"b":3})"), "(1, 3)(2, 3)");
  EXPECT_EQ(Keys(R"({"a.b":1,"a.c":1})", R"({"a":[{"b":1,"c":2},{"b":3,"c":4}]})"),
            "(1, 2)(3, 4)");
  EXPECT_EQ(Keys(R"({"a":1,"a.b":1})", R"({"a":[]})"), "(undefined, null)");
  EXPECT_EQ(Keys(R"({"a":1,"a.b":1})", R"({"a":[{"b":1}]})"), "({ b: 1 }, 1)");
  EXPECT_EQ(Keys(R"({"a":1,"a.b":1})", R"({"a":[{"b":[]}]})"), "({ b: [] }, undefined)");
  EXPECT_EQ(Keys(R"({"a":1,"b":1})", R"({"a":[1],"b":[2]})"), "error 171");
  EXPECT_EQ(Keys(R"({"a.b":1,"a.c":1})", R"({"a":[{"b":[1],"c":[2]}]})"), "error 171");
  const Made made =
      Make(R"({"key":{"a":1,"b":1},"name":"n"})", R"({"a":[1],"b":[2]})");
  EXPECT_EQ(TextOf(made.status), "cannot index parallel arrays [b] [a]");
}

TEST(KeysTest, MultikeyMask) {
  EXPECT_EQ(Make(R"({"key":{"a":1,"b":1},"name":"n"})", R"({"a":1,"b":2})").multikey, 0u);
  EXPECT_EQ(Make(R"({"key":{"a":1,"b":1},"name":"n"})", R"({"a":1,"b":[2]})").multikey, 2u);
  EXPECT_EQ(Make(R"({"key":{"a":1,"b":1},"name":"n"})", R"({"a":[],"b":2})").multikey, 1u);
  EXPECT_EQ(
      Make(R"({"key":{"a.b":1,"a.c":1},"name":"n"})", R"({"a":[{"b":1},{"c":1}]})").multikey, 3u);
}

TEST(KeysTest, S06_004_Sparse) {
  EXPECT_EQ(Keys(R"({"a":1})", R"({"b":1})", kSparse), "");
  EXPECT_EQ(Keys(R"({"a":1})", R"({"a":null})", kSparse), "(null)");
  EXPECT_EQ(Keys(R"({"a":1})", R"({"a":[]})", kSparse), "(undefined)");
  EXPECT_EQ(Keys(R"({"a":1,"b":1})", R"({"b":1})", kSparse), "(null, 1)");
  EXPECT_EQ(Keys(R"({"a":1,"b":1})", R"({"c":1})", kSparse), "");
  EXPECT_EQ(Keys(R"({"a.b":1})", R"({"a":[]})", kSparse), "");
  EXPECT_EQ(Keys(R"({"a.b":1})", R"({"a":[1]})", kSparse), "");
  EXPECT_EQ(Keys(R"({"a.b":1})", R"({"a":[1,{"b":1}]})", kSparse), "(1)");
}

TEST(KeysTest, NumericParts) {
  EXPECT_EQ(Keys(R"({"a.0":1})", R"({"a":[1]})"), "(1)");
  EXPECT_EQ(Keys(R"({"a.0":1})", R"({"a":[[1]]})"), "([ 1 ])");
  EXPECT_EQ(Keys(R"({"a.0":1})", R"({"a":[[]]})"), "(undefined)");
  EXPECT_EQ(Keys(R"({"a.0":1})", R"({"a":{"0":1}})"), "(1)");
  EXPECT_EQ(Keys(R"({"a.0":1})", R"({"a":[{"0":1}]})"), "error 16746");
  EXPECT_EQ(Keys(R"({"a.0":1})", R"({"a":[1,{"0":2}]})"), "error 16746");
  EXPECT_EQ(Keys(R"({"a.1":1})", R"({"a":[{"1":3}]})"), "(3)");
  EXPECT_EQ(Keys(R"({"a.0.b":1})", R"({"a":[{"b":1}]})"), "(1)");
  EXPECT_EQ(Keys(R"({"a.0.b":1})", R"({"a":[{"b":[1,2]}]})"), "(1)(2)");
  EXPECT_EQ(Keys(R"({"a.0.b":1})", R"({"a":[[{"b":1}]]})"), "(1)");
  EXPECT_EQ(Keys(R"({"a.0":1,"a.1":1})", R"({"a":[1,2]})"), "(1, 2)");
  EXPECT_EQ(Keys(R"({"a.0":1})", R"({"a":[]})"), "(null)");
}

TEST(KeysTest, S06_007_Hashed) {
  EXPECT_EQ(Keys(R"({"a":"hashed"})", R"({"a":[1]})"), "error 16766");
  EXPECT_EQ(Keys(R"({"a":"hashed"})", R"({"a":1})"), Keys(R"({"a":"hashed"})", R"({"a":1.0})"));
  EXPECT_NE(Keys(R"({"a":"hashed"})", R"({"a":1})"), Keys(R"({"a":"hashed"})", R"({"a":2})"));
}

TEST(KeysTest, EqualNumbersAreOneKey) {
  EXPECT_EQ(Keys(R"({"a":1})", R"({"a":[{"$numberInt":"1"},{"$numberDouble":"1.0"},2]})"),
            "(1)(2)");
}

}  // namespace
}  // namespace septet::index
