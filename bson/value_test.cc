// SPDX-License-Identifier: Apache-2.0
#include "bson/value.h"

#include "bson/builder.h"
#include "gtest/gtest.h"

namespace septet::bson {
namespace {

TEST(Value, OwnsItsBytes) {
  Value v;
  {
    const std::string doc = MakeDoc("a", "text");
    v.Assign(DocView(doc)["a"]);
  }
  EXPECT_EQ(v.view().AsString(), "text");
  EXPECT_EQ(Value::String("x").view().AsString(), "x");
  EXPECT_EQ(Value::Int64(-5).view().AsInt64(), -5);
  EXPECT_TRUE(Value::Null().view().is_null());
  EXPECT_TRUE(Value().view().missing());
  EXPECT_TRUE(Value::Bool(true).view().AsBool());
  EXPECT_EQ(Value::Object(DocView()).view().AsDoc().size_bytes(), 5);
}

TEST(Arena, KeepsValuesUntilReset) {
  Arena arena;
  std::vector<ValueView> views;
  for (int i = 0; i < 5000; ++i) {
    views.push_back(arena.String(std::string(static_cast<size_t>(i % 300), 'x')));
    views.push_back(arena.Int32(i));
  }
  for (int i = 0; i < 5000; ++i) {
    EXPECT_EQ(views[static_cast<size_t>(2 * i)].AsString().size(), static_cast<size_t>(i % 300));
    EXPECT_EQ(views[static_cast<size_t>(2 * i + 1)].AsInt32(), i);
  }
  arena.Allocate(3 << 20);
  EXPECT_GT(arena.memory_bytes(), 3U << 20);
  arena.Reset();
  EXPECT_LE(arena.memory_bytes(), 1U << 20);
  const size_t kept = arena.memory_bytes();
  for (int i = 0; i < 1000; ++i) {
    arena.Int64(i);
  }
  EXPECT_EQ(arena.memory_bytes(), kept);
}

TEST(Arena, Makes) {
  Arena arena;
  EXPECT_EQ(arena.Integer(5, true).type(), Type::kInt32);
  EXPECT_EQ(arena.Integer(5, false).type(), Type::kInt64);
  EXPECT_EQ(arena.Integer(int64_t{1} << 31, true).type(), Type::kInt64);
  EXPECT_FALSE(arena.Bool(false).AsBool());
  EXPECT_EQ(arena.Bin({5, "ab"}).AsBinData().bytes, "ab");
  EXPECT_EQ(arena.Time({1, 2}).AsTimestamp(), (Timestamp{1, 2}));
  EXPECT_TRUE(arena.Copy(ValueView()).missing());
  std::string* a = arena.TakeBuffer();
  std::string* b = arena.TakeBuffer();
  EXPECT_NE(a, b);
  arena.ReleaseBuffer(a);
  EXPECT_EQ(arena.TakeBuffer(), a);
}

}  // namespace
}  // namespace septet::bson
