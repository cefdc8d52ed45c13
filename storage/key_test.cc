// SPDX-License-Identifier: Apache-2.0
#include "storage/key.h"

#include <algorithm>

#include "bson/testing/random_bson.h"
#include "gtest/gtest.h"

namespace septet::storage {
namespace {

using bson::DocBuilder;
using bson::DocView;
using bson::ElementView;
using bson::ValueView;

int SignOf(int c) { return c < 0 ? -1 : c > 0 ? 1 : 0; }

std::string Key(ValueView v, uint64_t descending = 0) {
  KeyBuilder k(7, descending);
  k.Append(v);
  return k.TakeKey();
}

ValueView Only(const std::string& doc) { return DocView(doc).FirstElement().value(); }

// The values of a key, as a document with empty names.
std::string Decoded(const KeyBuilder& k, int fields, uint64_t descending = 0) {
  DocBuilder b;
  const Status status = DecodeKey(k.key(), k.type_bits(), fields, descending, &b);
  EXPECT_TRUE(status.ok()) << status;
  return b.Finish();
}

void ExpectOrder(ValueView a, ValueView b) {
  const int expected = bson::Compare(a, b);
  EXPECT_EQ(SignOf(Key(a).compare(Key(b))), expected);
  EXPECT_EQ(SignOf(Key(a, 1).compare(Key(b, 1))), -expected);
}

TEST(Key, OrderOfKeysIsOrderOfValues) {
  bson::testing::RandomBson random(1);
  std::vector<std::string> docs;
  for (int i = 0; i < 1500; ++i) {
    docs.push_back(random.One());
  }
  for (size_t i = 0; i < docs.size(); ++i) {
    for (size_t j = i; j < docs.size(); j += 1 + i % 7) {
      ExpectOrder(Only(docs[i]), Only(docs[j]));
    }
  }
}

// S05-016, S05-017: numbers near each other, all pairs.
TEST(Key, OrderOfNumbers) {
  bson::testing::RandomBson random(2);
  std::vector<std::string> docs;
  for (int i = 0; i < 1200; ++i) {
    DocBuilder b;
    random.AppendNumber(&b, "");
    docs.push_back(b.Finish());
  }
  for (const std::string& a : docs) {
    for (const std::string& b : docs) {
      ASSERT_EQ(SignOf(Key(Only(a)).compare(Key(Only(b)))), bson::Compare(Only(a), Only(b)))
          << bson::ToDouble(Only(a)) << ' ' << bson::ToDouble(Only(b));
    }
  }
}

// No key is a prefix of another one of a different value, so compound keys compare field by field.
TEST(Key, CompoundKeysCompareFieldByField) {
  bson::testing::RandomBson random(3);
  for (int i = 0; i < 20000; ++i) {
    const std::string docs[4] = {random.One(1), random.One(1), random.One(1), random.One(1)};
    const uint64_t descending = random.random()->Uniform(4);
    const auto key = [descending](const std::string& a, const std::string& b) {
      KeyBuilder k(7, descending);
      k.Append(Only(a));
      k.Append(Only(b));
      return k.TakeKey();
    };
    // Often an equal first field.
    const std::string& first = random.random()->OneIn(0.5) ? docs[0] : docs[2];
    int expected = bson::Compare(Only(docs[0]), Only(first)) * ((descending & 1) != 0 ? -1 : 1);
    if (expected == 0) {
      expected = bson::Compare(Only(docs[1]), Only(docs[3])) * ((descending & 2) != 0 ? -1 : 1);
    }
    EXPECT_EQ(SignOf(key(docs[0], docs[1]).compare(key(first, docs[3]))), expected);
  }
}

TEST(Key, DecodesToTheSameBytes) {
  bson::testing::RandomBson random(4);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t descending = random.random()->Uniform(8);
    KeyBuilder k(7, descending);
    DocBuilder expected;
    for (int field = 0; field < 3; ++field) {
      const std::string doc = random.One();
      k.Append(Only(doc));
      expected.Append("", Only(doc));
    }
    k.AppendRecordId(99);
    EXPECT_EQ(Decoded(k, 3, descending), expected.Finish());
    EXPECT_EQ(TrailingRecordId(k.key()), 99);
  }
}

TEST(Key, OddValuesDecodeToTheSameBytes) {
  DocBuilder b;
  b.Append("nan", -__builtin_nan("0x123")).Append("zero", -0.0);
  b.Append("payload", bson::Decimal128{5, 0x7c00000000000000ULL});
  b.Append("signalling", bson::Decimal128{0, 0xfe00000000000000ULL});
  b.Append("infinity", bson::Decimal128{77, 0x7800000000000000ULL});
  b.Append("large form", bson::Decimal128{1, 0x6c11000000000000ULL});
  b.Append("too large", bson::Decimal128{0x378d8e6400000000ULL, 0x3041ed09bead87c0ULL});
  b.OpenArray("names");
  b.Append("x", 1).Append("", int64_t{2});
  b.Close();
  b.Append("after", 1.5);
  const std::string bytes = b.Finish();
  KeyBuilder k(7);
  DocBuilder expected;
  for (const ElementView e : DocView(bytes)) {
    k.Append(e.value());
    expected.Append("", e.value());
  }
  EXPECT_EQ(Decoded(k, DocView(bytes).CountFields()), expected.Finish());
}

TEST(Key, UsualTypesNeedNoTypeBits) {
  const std::string doc = bson::MakeDoc("a", "text", "b", 5, "c", bson::ObjectId{}, "d", true, "e",
                                        bson::Timestamp{1, 2});
  KeyBuilder k(7);
  for (const ElementView e : DocView(doc)) {
    k.Append(e.value());
  }
  EXPECT_TRUE(k.type_bits().empty());
  const std::string wide = bson::MakeDoc("a", int64_t{5});
  k.Append(Only(wide));
  EXPECT_EQ(k.type_bits().size(), 1U);
  k.Reset(7);
  EXPECT_TRUE(k.type_bits().empty());
  EXPECT_EQ(k.key(), IdentPrefix(7));
}

TEST(Key, MissingIsNull) {  // S05-049
  const std::string doc = [] {
    DocBuilder b;
    b.AppendNull("n");
    return b.Finish();
  }();
  EXPECT_EQ(Key(ValueView()), Key(Only(doc)));
}

TEST(Key, IdentsAndRecordIds) {
  EXPECT_LT(RecordKey(1, INT64_MAX), IdentPrefixEnd(1));
  EXPECT_EQ(IdentPrefixEnd(1), IdentPrefix(2));
  EXPECT_LT(RecordKey(~0U, INT64_MAX), IdentPrefixEnd(~0U));
  EXPECT_LT(RecordKey(1, 255), RecordKey(1, 256));
  EXPECT_EQ(RecordIdOfKey(RecordKey(1, 1234567)), 1234567);
}

// Bounds enclose all keys with their prefix, with more fields or RecordIds behind, in both directions.
TEST(Key, Discriminators) {
  bson::testing::RandomBson random(6);
  for (int i = 0; i < 3000; ++i) {
    const std::string a = random.One(1);
    const std::string b = random.One(1);
    const std::string other = random.One(1);
    const uint64_t descending = random.random()->Uniform(4);
    const auto bound = [&](const std::string& value, Discriminator d) {
      KeyBuilder k(7, descending);
      k.Append(Only(value));
      k.Append(d);
      return k.TakeKey();
    };
    KeyBuilder k(7, descending);
    k.Append(Only(a));
    const std::string unique = k.key();
    k.Append(Only(b));
    k.AppendRecordId(random.random()->OneIn(0.5) ? 1 : INT64_MAX);
    for (const std::string& key : {unique, k.key()}) {
      EXPECT_LE(bound(a, Discriminator::kBefore), key);
      EXPECT_LT(key, bound(a, Discriminator::kAfter));
      const int c = bson::Compare(Only(a), Only(other)) * ((descending & 1) != 0 ? -1 : 1);
      if (c != 0) {
        EXPECT_EQ(key < bound(other, Discriminator::kBefore), c < 0);
        EXPECT_EQ(key < bound(other, Discriminator::kAfter), c < 0);
      }
    }
  }
}

class Reversed : public bson::StringComparator {
 public:
  int Compare(std::string_view a, std::string_view b) const override {
    return SortKey(a).compare(SortKey(b));
  }
  std::string SortKey(std::string_view s) const override { return {s.rbegin(), s.rend()}; }
};

TEST(Key, CollatedOrder) {
  const Reversed collator;
  bson::testing::RandomBson random(8);
  for (int i = 0; i < 5000; ++i) {
    const std::string a = random.One();
    const std::string b = random.One();
    KeyBuilder ka(7);
    KeyBuilder kb(7);
    ka.Append(Only(a), &collator);
    kb.Append(Only(b), &collator);
    EXPECT_EQ(SignOf(ka.key().compare(kb.key())), bson::Compare(Only(a), Only(b), &collator));
  }
}

TEST(Key, DamagedKeysAreRefusedOrDecodeToSomething) {
  bson::testing::RandomBson random(9);
  for (int i = 0; i < 20000; ++i) {
    KeyBuilder k(7);
    k.Append(Only(random.One()));
    std::string key = k.key();
    std::string bits = k.type_bits();
    std::string& target = bits.empty() || random.random()->OneIn(0.7) ? key : bits;
    if (random.random()->OneIn(0.5)) {
      target.resize(random.random()->Uniform(target.size() + 1));
    } else {
      target[random.random()->Uniform(target.size())] = static_cast<char>(random.random()->Next());
    }
    DocBuilder b;
    const Status status = DecodeKey(key, bits, 1, 0, &b);
    EXPECT_TRUE(status.ok() || CodeOf(status) == ErrorCode::kInternalError);
  }
}

}  // namespace
}  // namespace septet::storage
