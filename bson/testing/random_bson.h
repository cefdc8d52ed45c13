// SPDX-License-Identifier: Apache-2.0
// Random BSON for property tests and benchmarks: every type, numbers at the edges, nested documents.
// Same seed, same values. Test code only.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "base/random.h"
#include "bson/builder.h"
#include "bson/number.h"
#include "bson/view.h"

namespace septet::bson::testing {

class RandomBson {
 public:
  explicit RandomBson(uint64_t seed) : random_(seed) {}

  // Appends one value of any type under `name`.
  void Append(DocBuilder* b, std::string_view name, int depth = 2) {
    switch (random_.Uniform(depth > 0 ? 20 : 17)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return AppendNumber(b, name);
      case 4:
      case 5:
        b->Append(name, Text());
        return;
      case 6:
        b->AppendSymbol(name, Text());
        return;
      case 7:
        b->AppendCode(name, Text());
        return;
      case 8:
        b->Append(name, BinData{static_cast<uint8_t>(random_.Uniform(3) * 64), Text()});
        return;
      case 9:
        b->Append(name, Oid());
        return;
      case 10:
        b->Append(name, random_.OneIn(0.5));
        return;
      case 11:
        b->AppendDate(name, random_.Between(-3, 3) * (int64_t{1} << random_.Uniform(60)));
        return;
      case 12:
        b->Append(name, Timestamp::FromU64(random_.Next() >> random_.Uniform(64)));
        return;
      case 13:
        b->Append(name, Regex{Name(), random_.OneIn(0.5) ? "i" : ""});
        return;
      case 14:
        return AppendPointer(b, name);
      case 15:
        return AppendCodeWScope(b, name);
      case 16:
        return AppendConstant(b, name);
      case 17:
        b->OpenArray(name);
        AppendItems(b, depth - 1);
        return b->Close();
      default:
        b->OpenObject(name);
        AppendFields(b, depth - 1);
        return b->Close();
    }
  }

  // Numbers that lie close together across the four types.
  void AppendNumber(DocBuilder* b, std::string_view name) {
    static constexpr double kDoubles[] = {
        0.0, -0.0, 1, -1, 0.5, 0.1, 1.1, 0x1p31, -0x1p31, 0x1p53, 0x1p53 + 2, -0x1p53, 0x1p62, 0x1p63,
        -0x1p63, 1e19, 1e300, -1e300, 5e-324, -5e-324, 2.2250738585072014e-308,
        std::numeric_limits<double>::max(), std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()};
    static constexpr const char* kDecimals[] = {
        "0", "-0", "0E+3", "-0E-10", "1", "1.0", "1.00", "-1", "0.1", "0.10", "1.1", "-0.1", "0.5",
        "9007199254740992", "9007199254740993", "9007199254740993.0", "9007199254740992.5",
        "-9007199254740993", "9223372036854775807", "9223372036854775808", "9223372036854775807.5",
        "-9223372036854775808", "-9223372036854775808.5", "1E+19", "1E-400", "-1E-400", "2E-400",
        "1E-6176", "5E-324", "4.9E-324", "1E+300", "1E+6111", "1E+6144", "-1E+6144", "2E+6144",
        "9.999999999999999999999999999999999E+6144", "NaN", "Infinity", "-Infinity",
        "0.1000000000000000055511151231257827", "0.1000000000000000055511151231257828",
        "1.797693134862315708145274237317044E+308", "1.797693134862315E+308"};
    switch (random_.Uniform(8)) {
      case 0:
        b->Append(name, static_cast<int32_t>(random_.Next()));
        return;
      case 1:
        b->Append(name, static_cast<int32_t>(random_.Between(-2, 2)));
        return;
      case 2:
        b->Append(name, static_cast<int64_t>(random_.Next() >> random_.Uniform(64)));
        return;
      case 3:
        b->Append(name, static_cast<int64_t>((uint64_t{1} << random_.Uniform(64)) +
                                             random_.Uniform(5) - 2));
        return;
      case 4:
        b->Append(name, kDoubles[random_.Uniform(std::size(kDoubles))]);
        return;
      case 5:
        b->Append(name, static_cast<double>(static_cast<int64_t>(random_.Next())) *
                            std::pow(2.0, static_cast<double>(random_.Between(-100, 40))));
        return;
      case 6:
        b->Append(name, *DecimalFromString(kDecimals[random_.Uniform(std::size(kDecimals))]));
        return;
      default:
        b->Append(name, RandomDecimal());
        return;
    }
  }

  std::string Doc(int depth = 3) {
    DocBuilder b;
    AppendFields(&b, depth);
    return b.Finish();
  }

  // A document with a single field, "v".
  std::string One(int depth = 2) {
    DocBuilder b;
    Append(&b, "v", depth);
    return b.Finish();
  }

  Random* random() { return &random_; }

 private:
  void AppendFields(DocBuilder* b, int depth) {
    for (uint64_t n = random_.Uniform(4); n > 0; --n) {
      Append(b, Name(), depth);
    }
  }
  void AppendItems(DocBuilder* b, int depth) {
    for (uint64_t n = random_.Uniform(4); n > 0; --n) {
      Append(b, b->NextIndex(), depth);
    }
  }
  // Few letters, so that prefixes and equal texts are frequent; zero bytes too.
  std::string Text() {
    std::string s;
    for (uint64_t n = random_.Uniform(5); n > 0; --n) {
      s.push_back("\x00\x01\xff" "ab"[random_.Uniform(5)]);
    }
    return s;
  }
  std::string Name() {
    std::string s;
    for (uint64_t n = random_.Uniform(3); n > 0; --n) {
      s.push_back("\x01\xff" "ab"[random_.Uniform(4)]);
    }
    return s;
  }
  ObjectId Oid() {
    ObjectId id{};
    id.bytes[random_.Uniform(12)] = static_cast<uint8_t>(random_.Next());
    return id;
  }
  Decimal128 RandomDecimal() {
    unsigned __int128 c = random_.Next();
    c = (c << 49) | (random_.Next() >> 15);
    c %= PowerOfTen(static_cast<int>(random_.Uniform(34)) + 1);
    const auto exponent = static_cast<int>(random_.OneIn(0.1) ? random_.Between(-6176, 6111)
                                                              : random_.Between(-40, 10));
    return JoinDecimal({random_.OneIn(0.5), exponent, c});
  }
  void AppendPointer(DocBuilder* b, std::string_view name) {
    const std::string ns = Name();
    b->AppendDBPointer(name, ns, Oid());
  }
  void AppendCodeWScope(DocBuilder* b, std::string_view name) {
    const std::string code = Text();
    const std::string scope = Doc(0);
    b->AppendCodeWScope(name, code, DocView(scope));
  }
  void AppendConstant(DocBuilder* b, std::string_view name) {
    switch (random_.Uniform(4)) {
      case 0:
        b->AppendNull(name);
        return;
      case 1:
        b->AppendUndefined(name);
        return;
      case 2:
        b->AppendMinKey(name);
        return;
      default:
        b->AppendMaxKey(name);
        return;
    }
  }

  Random random_;
};

}  // namespace septet::bson::testing
