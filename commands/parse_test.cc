// SPDX-License-Identifier: Apache-2.0
// Texts recorded from a server: S12-093 rows of the admin recordings.
#include "commands/parse.h"

#include <gtest/gtest.h>

#include "bson/ejson.h"

namespace septet::commands {
namespace {

class ParseTest : public testing::Test {
 protected:
  bson::DocView Doc(std::string_view json) {
    auto bytes = bson::FromJson(json);
    EXPECT_TRUE(bytes.ok());
    bytes_ = *bytes;
    return bson::DocView(bytes_);
  }
  std::string bytes_;
};

TEST_F(ParseTest, StoresEveryKind) {
  bson::DocView filter;
  ArrayView list;
  std::string_view name;
  bool strict = false;
  LooseBool loose;
  int32_t small = 0;
  int64_t big = 0;
  double number = 0;
  bson::ValueView any;
  std::optional<int64_t> absent;
  std::optional<bool> given;
  const Status s = ParseFields(
      "c",
      Doc(R"({"c": 1, "filter": {"a": 1}, "list": [1], "name": "n", "strict": true, "loose": 2.5,
              "small": 7.9, "big": {"$numberLong": "5"}, "number": 1, "any": null, "given": false,
              "other": 1})"),
      {{"filter", &filter}, {"list", &list}, {"name", &name}, {"strict", &strict},
       {"loose", &loose}, {"small", &small}, {"big", &big}, {"number", &number}, {"any", &any},
       {"absent", &absent}, {"given", &given}});
  ASSERT_TRUE(s.ok()) << TextOf(s);
  EXPECT_EQ(filter["a"].AsInt32(), 1);
  EXPECT_EQ(list.doc.CountFields(), 1);
  EXPECT_EQ(name, "n");
  EXPECT_TRUE(strict);
  EXPECT_TRUE(loose.value);
  EXPECT_EQ(small, 7);
  EXPECT_EQ(big, 5);
  EXPECT_EQ(number, 1.0);
  EXPECT_TRUE(any.is_null());
  EXPECT_FALSE(absent.has_value());
  EXPECT_EQ(given, false);
}

TEST_F(ParseTest, WrongTypes) {
  std::string_view name;
  LooseBool loose;
  int64_t big = 0;
  EXPECT_EQ(TextOf(ParseFields("distinct", Doc(R"({"key": {}})"), {{"key", &name}})),
            "BSON field 'distinct.key' is the wrong type 'object', expected type 'string'");
  EXPECT_EQ(TextOf(ParseFields("create", Doc(R"({"size": {}})"), {{"size", &big}})),
            "BSON field 'create.size' is the wrong type 'object', expected types '[long, int, decimal, "
            "double']");
  EXPECT_EQ(TextOf(ParseFields("insert", Doc(R"({"bypassDocumentValidation": "x"})"),
                               {{"bypassDocumentValidation", &loose}})),
            "BSON field 'insert.bypassDocumentValidation' is the wrong type 'string', expected types "
            "'[bool, long, int, decimal, double']");
}

TEST_F(ParseTest, MissingUnknownDuplicate) {
  std::string_view name;
  const Status missing = ParseFields("c", Doc("{}"), {{"name", &name, true}});
  EXPECT_EQ(CodeOf(missing), ErrorCode{40414});
  EXPECT_EQ(TextOf(missing), "BSON field 'c.name' is missing but a required field");
  const Status unknown = ParseFields("c", Doc(R"({"x": 1})"), {{"name", &name}},
                                     Strictness::kNoUnknownFields);
  EXPECT_EQ(CodeOf(unknown), ErrorCode{40415});
  EXPECT_EQ(CodeName(CodeOf(unknown)), "Location40415");
  bson::DocBuilder twice;
  twice.Append("name", "a").Append("name", "b");
  const std::string bytes = twice.Finish();
  EXPECT_EQ(CodeOf(ParseFields("c", bson::DocView(bytes), {{"name", &name}})), ErrorCode{40413});
}

TEST_F(ParseTest, NullCountsAsAbsent) {
  std::string_view name = "unchanged";
  EXPECT_TRUE(ParseFields("c", Doc(R"({"name": null})"), {{"name", &name}}).ok());
  EXPECT_EQ(name, "unchanged");
  EXPECT_EQ(CodeOf(ParseFields("c", Doc(R"({"name": null})"), {{"name", &name, true}})),
            ErrorCode::kTypeMismatch);
}

TEST_F(ParseTest, S12_028_CollectionNames) {
  Request request;
  request.db = "recorded";
  request.body = Doc(R"({"drop": {}})");
  EXPECT_EQ(TextOf(CollectionOf(request).status()), "collection name has invalid type object");
  request.body = Doc(R"({"find": ""})");
  EXPECT_EQ(TextOf(CollectionOf(request).status()), "Invalid namespace specified 'recorded.'");
  request.body = Doc(R"({"find": "c"})");
  EXPECT_EQ(CollectionOf(request)->full(), "recorded.c");
  // Names that cannot exist are as good as missing ones, but not to write to.
  request.body = Doc(R"({"find": "system.foo"})");
  EXPECT_EQ(CollectionOf(request)->full(), "recorded.system.foo");
  EXPECT_EQ(TextOf(WritableCollectionOf(request).status()),
            "Invalid system namespace: recorded.system.foo");
  request.body = Doc(R"({"insert": "system.profile"})");
  EXPECT_EQ(TextOf(WritableCollectionOf(request).status()), "cannot write to recorded.system.profile");
}

}  // namespace
}  // namespace septet::commands
