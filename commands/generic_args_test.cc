// SPDX-License-Identifier: Apache-2.0
// Generic arguments and concerns. Texts recorded: rows S01-137, S08-011, S08-041 of the recordings.
#include "commands/generic_args.h"

#include <gtest/gtest.h>

#include "bson/ejson.h"
#include "commands/write_concern.h"

namespace septet::commands {
namespace {

Outcome Nothing(catalog::Op*, const Services&, const Request&, bson::DocBuilder*) {
  return Outcome::Ok();
}

const CommandSpec kTool = {
    .name = "tool", .fields = {"own", "comment"}, .api_version = "1", .run = Nothing};

class GenericArgsTest : public testing::Test {
 protected:
  Status Parse(const std::string& json) {
    auto bytes = bson::FromJson(json);
    EXPECT_TRUE(bytes.ok()) << json;
    bytes_ = *bytes;
    generic_ = {};
    return ParseGeneric(kTool, bson::DocView(bytes_), &generic_);
  }
  std::string Text(const std::string& json) { return std::string(TextOf(Parse(json))); }

  static constexpr const char* kLsid =
      R"("lsid": {"id": {"$binary": {"base64": "AAAAAAAAQACAAAAAAF5VAQ==", "subType": "04"}}})";
  std::string WithLsid(const std::string& rest) {
    return std::string("{\"tool\": 1, ") + kLsid + ", " + rest + "}";
  }
  std::string bytes_;
  Generic generic_;
};

TEST_F(GenericArgsTest, S01_136_Sessions) {
  ASSERT_TRUE(Parse(WithLsid(
      R"("txnNumber": {"$numberLong": "5"}, "autocommit": false, "startTransaction": true, "stmtId": 3)")).ok());
  EXPECT_TRUE(generic_.has_lsid);
  EXPECT_EQ(generic_.session_id.size(), 16u);
  EXPECT_EQ(generic_.txn_number, 5);
  EXPECT_TRUE(generic_.InTransaction());
  EXPECT_TRUE(generic_.start_transaction);
  EXPECT_EQ(generic_.stmt_id, 3);

  EXPECT_EQ(Text(WithLsid(R"("txnNumber": 5)")),
            "BSON field 'OperationSessionInfo.txnNumber' is the wrong type 'int', expected type 'long'");
  EXPECT_EQ(Text(WithLsid(R"("txnNumber": {"$numberLong": "-1"})")),
            "Transaction number cannot be negative");
  EXPECT_TRUE(Parse(WithLsid(R"("txnNumber": null)")).ok());
  EXPECT_EQ(Text(WithLsid(
                R"("txnNumber": {"$numberLong": "1"}, "startTransaction": true, "autocommit": true)")),
            "Specifying autocommit=true is not allowed.");
  EXPECT_EQ(Text(WithLsid(
                R"("txnNumber": {"$numberLong": "1"}, "startTransaction": false, "autocommit": false)")),
            "Specifying startTransaction=false is not allowed.");
  EXPECT_EQ(Text(WithLsid(
                R"("txnNumber": {"$numberLong": "1"}, "startTransaction": 1, "autocommit": false)")),
            "BSON field 'OperationSessionInfo.startTransaction' is the wrong type 'int', expected type "
            "'bool'");
  EXPECT_EQ(Text(WithLsid(R"("stmtId": "x")")),
            "BSON field 'tool.stmtId' is the wrong type 'string', expected type 'int'");
  EXPECT_EQ(CodeOf(Parse(R"({"tool": 1, "lsid": {"id": "x"}})")), ErrorCode::kTypeMismatch);
  EXPECT_EQ(CodeOf(Parse(R"({"tool": 1, "lsid": {}})")), ErrorCode{40414});
}

TEST_F(GenericArgsTest, S01_123_FieldsOfItsOwnAndUnknownOnes) {
  EXPECT_TRUE(Parse(R"({"tool": 1, "own": 1, "comment": {"a": 1}, "$db": "x", "$audit": {}})").ok());
  EXPECT_EQ(CodeOf(Parse(R"({"tool": 1, "foo": 1})")), ErrorCode{40415});
  bson::DocBuilder twice;
  twice.Append("tool", 1).Append("maxTimeMS", 1).Append("maxTimeMS", 1);
  const std::string bytes = twice.Finish();
  EXPECT_EQ(CodeOf(ParseGeneric(kTool, bson::DocView(bytes), &generic_)), ErrorCode{40413});
}

TEST_F(GenericArgsTest, S01_137_ReadConcernAndPreference) {
  ASSERT_TRUE(Parse(R"({"tool": 1, "readConcern": {"level": "snapshot",
      "atClusterTime": {"$timestamp": {"t": 3, "i": 4}}}})").ok());
  EXPECT_EQ(generic_.read_concern->level, ReadConcernLevel::kSnapshot);
  EXPECT_EQ(generic_.read_concern->at_cluster_time.secs, 3u);
  EXPECT_EQ(Text(R"({"tool": 1, "readConcern": {"level": "foo"}})"),
            "readConcern.level must be either 'local', 'majority', 'linearizable', 'available', or "
            "'snapshot'");
  EXPECT_EQ(Text(R"({"tool": 1, "readConcern": {"foo": 1}})"),
            "Unrecognized option in readConcern: foo");
  EXPECT_EQ(Text(R"({"tool": 1, "readConcern": {"afterClusterTime": 1}})"),
            "\"afterClusterTime\" had the wrong type. Expected timestamp, found int");
  EXPECT_EQ(Text(R"({"tool": 1, "readConcern": {"level": "linearizable",
                     "afterClusterTime": {"$timestamp": {"t": 1, "i": 1}}}})"),
            "afterClusterTime field can be set only if level is equal to majority, local, or snapshot");
  EXPECT_EQ(Text(R"({"tool": 1, "readConcern": {"provenance": "x"}})"),
            "Enumeration value 'x' for field 'ReadConcernArgs::parse.provenance' is not a valid value.");
  ASSERT_TRUE(Parse(R"({"tool": 1, "$readPreference": {"mode": "nearest"}})").ok());
  EXPECT_EQ(generic_.read_mode, ReadMode::kNearest);
  ASSERT_TRUE(Parse(R"({"tool": 1, "$queryOptions": {"$readPreference": {"mode": "secondary"}}})").ok());
  EXPECT_EQ(generic_.read_mode, ReadMode::kSecondary);
  EXPECT_EQ(Text(R"({"tool": 1, "$readPreference": 1})"),
            "$readPreference has incorrect type: expected object but got int");
  EXPECT_EQ(Text(R"({"tool": 1, "$readPreference": {"mode": "primary", "tags": [{"a": "b"}]}})"),
            "Only empty tags are allowed with primary read preference");
  EXPECT_TRUE(Parse(R"({"tool": 1, "$readPreference": {"mode": "primary", "tags": [{}]}})").ok());
}

StatusOr<WriteConcern> ParseWc(const std::string& json) {
  const auto bytes = bson::FromJson("{\"wc\": " + json + "}");
  EXPECT_TRUE(bytes.ok());
  return ParseWriteConcern(bson::DocView(*bytes)["wc"]);
}

TEST(WriteConcernTest, S08_041_Forms) {
  using Kind = repl::WriteConcern::Kind;
  using Journal = repl::WriteConcern::Journal;
  EXPECT_EQ(ParseWc(R"({"w": 2})")->concern.w, 2);
  EXPECT_EQ(ParseWc(R"({"w": 1.5})")->concern.w, 1);
  EXPECT_EQ(ParseWc(R"({"w": "majority"})")->concern.kind, Kind::kMajority);
  EXPECT_EQ(ParseWc(R"({"w": "dc"})")->concern.mode, "dc");
  EXPECT_TRUE(ParseWc(R"({"w": 0})")->IsUnacknowledged());
  EXPECT_EQ(ParseWc(R"({"j": 1})")->concern.journal, Journal::kYes);
  EXPECT_EQ(ParseWc(R"({"j": false})")->concern.journal, Journal::kNo);
  EXPECT_EQ(ParseWc(R"({"fsync": true})")->concern.journal, Journal::kYes);
  EXPECT_EQ(ParseWc(R"({"w": 1, "wtimeout": {"$numberLong": "9999999999"}})")->wtimeout_millis,
            9999999999);
  EXPECT_EQ(TextOf(ParseWc(R"({"w": 51})").status()),
            "w has to be a non-negative number and not greater than 50");
  EXPECT_EQ(TextOf(ParseWc(R"({"w": -1})").status()),
            "w has to be a non-negative number and not greater than 50");
  EXPECT_EQ(TextOf(ParseWc(R"({"w": true})").status()), "w has to be a number or a string");
  EXPECT_EQ(TextOf(ParseWc(R"({"j": "x"})").status()), "j must be numeric or a boolean value");
  EXPECT_EQ(TextOf(ParseWc(R"({"foo": 1})").status()), "unrecognized write concern field: foo");
  EXPECT_EQ(TextOf(ParseWc(R"("majority")").status()),
            "\"writeConcern\" had the wrong type. Expected object, found string");
}

TEST(WriteConcernTest, ShownAsItWasGiven) {
  bson::DocBuilder out;
  AppendWriteConcern("wc", *ParseWc(R"({"w": "nope", "j": true})"), true, &out);
  EXPECT_EQ(bson::ToRelaxedJson(bson::DocView(out.Finish())),
            R"({"wc":{"w":"nope","j":true,"wtimeout":0,"provenance":"clientSupplied"}})");
}

}  // namespace
}  // namespace septet::commands
