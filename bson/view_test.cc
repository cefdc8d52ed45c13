// SPDX-License-Identifier: Apache-2.0
#include "bson/view.h"

#include <set>

#include "bson/builder.h"
#include "bson/number.h"
#include "gtest/gtest.h"

namespace septet::bson {
namespace {

TEST(View, FindsTheFirstFieldOfAName) {
  const std::string bytes = MakeDoc("ab", 1, "a", 2, "", 3, "a", 4);
  const DocView d(bytes);
  EXPECT_EQ(d["ab"].AsInt32(), 1);
  EXPECT_EQ(d["a"].AsInt32(), 2);
  EXPECT_EQ(d[""].AsInt32(), 3);
  EXPECT_TRUE(d["b"].missing());
  EXPECT_TRUE(d[std::string_view("a\0", 2)].missing());
  EXPECT_EQ(d.CountFields(), 4);
  EXPECT_EQ(d.FirstElement().name(), "ab");
  EXPECT_TRUE(DocView().empty());
  EXPECT_EQ(DocView().CountFields(), 0);
}

TEST(View, Truth) {
  DocBuilder b;
  b.Append("1", 0).Append("2", int64_t{0}).Append("3", 0.0).Append("4", -0.0).Append("5", false);
  b.AppendNull("6").AppendUndefined("7").Append("8", Decimal128{0, 0xb040000000000000ULL});
  const std::string falsy = b.Finish();
  for (const ElementView e : DocView(falsy)) {
    EXPECT_FALSE(e.value().Truthy()) << e.name();
  }
  EXPECT_FALSE(ValueView().Truthy());
  b.Append("1", 1).Append("2", "").AppendArray("3", DocView()).Append("4", __builtin_nan(""));
  b.Append("5", true).Append("6", Decimal128{1, 0x3040000000000000ULL}).AppendDate("7", 0);
  const std::string truthy = b.Finish();
  for (const ElementView e : DocView(truthy)) {
    EXPECT_TRUE(e.value().Truthy()) << e.name();
  }
}

TEST(View, TypeNames) {
  EXPECT_EQ(TypeName(Type::kInt32), "int");
  EXPECT_EQ(TypeName(Type::kInt64), "long");
  EXPECT_EQ(TypeName(Type::kDecimal128), "decimal");
  EXPECT_EQ(TypeName(Type::kCodeWScope), "javascriptWithScope");
  EXPECT_EQ(TypeName(Type::kMinKey), "minKey");
  EXPECT_EQ(TypeName(Type::kMissing), "missing");
}

TEST(View, GeneratedObjectIdsDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    seen.insert(ObjectId::Generate().ToHex());
  }
  EXPECT_EQ(seen.size(), 1000U);
  // The 5 process bytes stay, the counter steps by one.
  const ObjectId a = ObjectId::Generate();
  const ObjectId b = ObjectId::Generate();
  EXPECT_EQ(std::memcmp(a.bytes + 4, b.bytes + 4, 5), 0);
  EXPECT_EQ(static_cast<uint8_t>(a.bytes[11] + 1), b.bytes[11]);
}

TEST(View, DecimalClasses) {
  EXPECT_TRUE(DecimalIsZero({0, 0x3040000000000000ULL}));
  EXPECT_TRUE(DecimalIsNaN({0, 0x7c00000000000000ULL}));
  EXPECT_TRUE(DecimalIsInfinite({0, 0xf800000000000000ULL}));
  EXPECT_TRUE(DecimalIsNegative({0, 0xf800000000000000ULL}));
  // Coefficients above 10^34 - 1 are read as zero (IEEE 754-2008 3.5.2).
  EXPECT_TRUE(DecimalIsZero({0x378d8e6400000000ULL, 0x3041ed09bead87c0ULL}));
  EXPECT_FALSE(DecimalIsZero({0x378d8e63ffffffffULL, 0x3041ed09bead87c0ULL}));
}

}  // namespace
}  // namespace septet::bson
