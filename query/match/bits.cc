// SPDX-License-Identifier: Apache-2.0
// $bitsAllSet, $bitsAllClear, $bitsAnySet, $bitsAnyClear: {a: {$bitsAllSet: 6}}, with a number, a
// BinData or an array of positions. Tests integral numbers (sign extended) and BinData (zero
// extended). Errors: BadValue, FailedToParse. Proved by recorded_filter_test (S03-017).
#include <algorithm>
#include <limits>

#include "bson/ejson.h"
#include "bson/number.h"

#include "base/strings.h"
#include "query/match/parser.h"

namespace septet::query {
namespace {

using bson::Type;

class BitsNode : public LeafNode {
 public:
  BitsNode(MatchKind kind, std::string_view path, std::string_view op,
           std::vector<uint32_t> positions)
      : LeafNode(kind, path), op_(op), positions_(std::move(positions)) {}

  bool TestValue(ValueView v, MatchState*) const override {
    if (v.type() == Type::kBinData) {
      const std::string_view bytes = v.AsBinData().bytes;
      return TestBits([bytes](uint32_t position) {
        const size_t byte = position / 8;
        return byte < bytes.size() &&
               ((static_cast<uint8_t>(bytes[byte]) >> (position % 8)) & 1) != 0;
      });
    }
    int64_t number = 0;
    if (!IntegerOf(v, &number)) {
      return false;
    }
    return TestBits(
        [number](uint32_t position) { return ((number >> std::min(position, 63u)) & 1) != 0; });
  }
  void SerializeOperator(bson::DocBuilder* out) const override {
    const auto array = out->Array(op_);
    for (const uint32_t position : positions_) {
      out->Add(static_cast<int32_t>(position));
    }
  }

 private:
  template <typename IsSet>
  bool TestBits(const IsSet& is_set) const {
    const bool set = kind_ == MatchKind::kBitsAllSet || kind_ == MatchKind::kBitsAnySet;
    if (kind_ == MatchKind::kBitsAllSet || kind_ == MatchKind::kBitsAllClear) {
      return std::all_of(positions_.begin(), positions_.end(),
                         [&](uint32_t p) { return is_set(p) == set; });
    }
    return std::any_of(positions_.begin(), positions_.end(),
                       [&](uint32_t p) { return is_set(p) == set; });
  }
  // Decimals are rounded, and those out of range read as the least integer, as a server does;
  // doubles must be integral.
  static bool IntegerOf(ValueView v, int64_t* out) {
    if (v.type() == Type::kDecimal128) {
      bson::Arena arena;
      const ValueView rounded =
          arena.Decimal(bson::DecimalApply(bson::DecimalUnary::kRound, v.AsDecimal()));
      *out = bson::ExactInt64(rounded).value_or(std::numeric_limits<int64_t>::min());
      return true;
    }
    if (!v.is_number()) {
      return false;
    }
    const auto exact = bson::ExactInt64(v);
    *out = exact.value_or(0);
    return exact.has_value();
  }

  std::string_view op_;
  std::vector<uint32_t> positions_;
};

StatusOr<std::vector<uint32_t>> PositionsOfNumber(const PathOperator& op) {
  const ValueView v = op.operand();
  const auto mask = bson::ExactInt64(v);
  const auto text = [&] { return StrCat(op.name(), ": ", bson::ToShellText(v)); };
  if (!mask.has_value()) {
    return Error(ErrorCode::kFailedToParse, StrCat("Expected an integer: ", text()));
  }
  if (*mask < 0) {
    return Error(ErrorCode::kFailedToParse, StrCat("Expected a positive number in: ", text()));
  }
  std::vector<uint32_t> positions;
  for (uint32_t i = 0; i < 64; ++i) {
    if (((*mask >> i) & 1) != 0) {
      positions.push_back(i);
    }
  }
  return positions;
}

StatusOr<std::vector<uint32_t>> PositionsOfArray(DocView items) {
  std::vector<uint32_t> positions;
  for (const bson::ElementView item : items) {
    const auto text = [&] {
      return StrCat(" but got: ", item.name(), ": ", bson::ToShellText(item.value()));
    };
    const auto position = item.value().is_number() ? bson::ExactInt64(item.value()) : std::nullopt;
    if (!position.has_value()) {
      return Error(ErrorCode::kBadValue, StrCat("bit positions must be an integer", text()));
    }
    if (*position < 0) {
      return Error(ErrorCode::kBadValue, StrCat("bit positions must be >= 0", text()));
    }
    if (*position > std::numeric_limits<int32_t>::max()) {
      return Error(
          ErrorCode::kBadValue,
          StrCat("bit positions cannot be represented as a 32-bit signed integer", text()));
    }
    positions.push_back(static_cast<uint32_t>(*position));
  }
  return positions;
}

std::vector<uint32_t> PositionsOfBytes(std::string_view bytes) {
  std::vector<uint32_t> positions;
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    if (((static_cast<uint8_t>(bytes[i / 8]) >> (i % 8)) & 1) != 0) {
      positions.push_back(static_cast<uint32_t>(i));
    }
  }
  return positions;
}

StatusOr<MatchNodePtr> ParseBits(const PathOperator& op, MatchParser*) {
  std::vector<uint32_t> positions;
  const ValueView v = op.operand();
  if (v.is_array()) {
    ASSIGN_OR_RETURN(positions, PositionsOfArray(v.AsArray()));
  } else if (v.is_number()) {
    ASSIGN_OR_RETURN(positions, PositionsOfNumber(op));
  } else if (v.type() == Type::kBinData) {
    positions = PositionsOfBytes(v.AsBinData().bytes);
  } else {
    return Error(ErrorCode::kBadValue,
                 StrCat(op.path, " takes an Array, a number, or a BinData but received: ",
                        op.name(), ": ", bson::ToShellText(v)));
  }
  const MatchKind kind = op.name() == "$bitsAllSet"     ? MatchKind::kBitsAllSet
                         : op.name() == "$bitsAllClear" ? MatchKind::kBitsAllClear
                         : op.name() == "$bitsAnySet"   ? MatchKind::kBitsAnySet
                                                        : MatchKind::kBitsAnyClear;
  return std::make_unique<BitsNode>(kind, op.path, op.name(), std::move(positions));
}

constexpr PathOperatorRow kPathOperators[] = {
    {"$bitsAllClear", ParseBits},
    {"$bitsAllSet", ParseBits},
    {"$bitsAnyClear", ParseBits},
    {"$bitsAnySet", ParseBits},
};

}  // namespace

MatchFamily BitsFamily() {
  return {kPathOperators, {}};
}

}  // namespace septet::query
