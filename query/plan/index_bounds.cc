// SPDX-License-Identifier: Apache-2.0
#include "query/plan/index_bounds.h"

#include <algorithm>
#include <limits>

#include "bson/number.h"
#include "query/plan/type_bracket.h"

namespace septet::query {

using bson::Type;
using bson::Value;
using bson::ValueView;

namespace {

constexpr size_t kMaxScansToExplode = 200;

struct BoundsContext {
  const catalog::IndexEntry& index;
  size_t field;
  const bson::StringComparator* collator;

  bool multikey() const { return index.multikey->load(std::memory_order_relaxed) != 0; }
  bool sparse() const { return index.spec.sparse; }
  std::string_view path() const { return index.spec.fields[field].path.text(); }
};

// Can values of that type be looked up under the index's collation?
bool CollationAllows(const BoundsContext& c, ValueView v) {
  const bool stringy = v.is_string() || v.is_object() || v.is_array() || v.type() == Type::kSymbol;
  if (!stringy) {
    return true;
  }
  const bson::StringComparator* index_collator = c.index.spec.collator.get();
  if (c.collator == nullptr && index_collator == nullptr) {
    return true;
  }
  if (c.collator == nullptr || index_collator == nullptr) {
    return false;
  }
  // Equal collations give equal sort keys; nested strings are not rewritten here.
  return v.is_string() && c.collator->SortKey("aB-\xc3\xa9") == index_collator->SortKey("aB-\xc3\xa9");
}

// The operand as it stands in the index.
Value Stored(const BoundsContext& c, ValueView v) {
  if (v.is_string() && c.index.spec.collator != nullptr) {
    return Value::String(c.index.spec.collator->SortKey(v.AsString()));
  }
  return Value(v);
}

std::optional<FieldBounds> EqualityBounds(const BoundsContext& c, ValueView v) {
  if (!CollationAllows(c, v)) {
    return std::nullopt;
  }
  if (v.type() == Type::kRegex) {
    return std::nullopt;  // a regex literal is a pattern, see RegexBounds
  }
  if (v.is_null()) {
    if (c.sparse()) {
      return std::nullopt;
    }
    return FieldBounds{{Interval::Point(v)}, false};
  }
  if (v.is_array()) {
    const bson::DocView items = v.AsArray();
    const ValueView first =
        items.empty() ? ValueView(Type::kUndefined, "") : items.FirstElement().value();
    FieldBounds out{{Interval::Point(first), Interval::Point(v)}, false};
    Normalize(&out.intervals);
    return out;
  }
  const Value stored = Stored(c, v);
  return FieldBounds{{Interval::Point(stored.view())}, true};
}

std::optional<FieldBounds> RangeBounds(const BoundsContext& c, MatchKind kind, ValueView v) {
  if (!CollationAllows(c, v) || v.is_array()) {
    return std::nullopt;
  }
  const bool upper = kind == MatchKind::kLt || kind == MatchKind::kLte;
  const bool inclusive = kind == MatchKind::kLte || kind == MatchKind::kGte;
  if (v.is_null()) {
    if (c.sparse()) {
      return std::nullopt;
    }
    return inclusive ? FieldBounds{{Interval::Point(v)}, false} : FieldBounds{{}, true};
  }
  if (bson::IsNumber(v.type()) && bson::IsNaN(v)) {
    return inclusive ? FieldBounds{{Interval::Point(v)}, true} : FieldBounds{{}, true};
  }
  if (v.type() == Type::kMinKey || v.type() == Type::kMaxKey) {
    if (c.sparse()) {
      return std::nullopt;  // a missing field is above MinKey and below MaxKey too
    }
    return FieldBounds{{Interval::All()}, false};
  }
  Interval bracket = TypeBracket(v.type());
  const bool exact = !v.is_object() && !bracket.IsAll();
  if (upper) {
    bracket.high = Stored(c, v);
    bracket.high_inclusive = inclusive;
  } else {
    bracket.low = Stored(c, v);
    bracket.low_inclusive = inclusive;
  }
  FieldBounds out{{std::move(bracket)}, exact};
  Normalize(&out.intervals);
  return out;
}

// The literal prefix of ^abc..., empty if there is none. *whole: the pattern is the prefix alone.
std::string LiteralPrefix(std::string_view pattern, std::string_view options, bool* whole) {
  *whole = false;
  if (!options.empty() || pattern.empty() || pattern[0] != '^' ||
      pattern.find('|') != std::string_view::npos) {
    return "";
  }
  std::string out;
  size_t i = 1;
  for (; i < pattern.size(); ++i) {
    char ch = pattern[i];
    if (ch == '\\') {
      if (i + 1 >= pattern.size() || std::isalnum(static_cast<unsigned char>(pattern[i + 1])) != 0) {
        break;
      }
      ch = pattern[++i];
    } else if (std::string_view("^$.[()?*+{").find(ch) != std::string_view::npos) {
      break;
    }
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (next == '*' || next == '?' || next == '{') {
      return out;  // this character may be absent
    }
    out.push_back(ch);
  }
  *whole = i == pattern.size();
  return out;
}

std::optional<FieldBounds> RegexBounds(const BoundsContext& c, ValueView regex) {
  if (regex.type() != Type::kRegex || c.index.spec.collator != nullptr) {
    return std::nullopt;
  }
  bool whole = false;
  const std::string prefix = LiteralPrefix(regex.AsRegex().pattern, regex.AsRegex().options, &whole);
  Interval strings = TypeBracket(Type::kString);
  if (!prefix.empty()) {
    strings.low = Value::String(prefix);
    std::string end = prefix;
    while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) {
      end.pop_back();
    }
    if (!end.empty()) {
      end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
      strings.high = Value::String(end);
    }
    strings.high_inclusive = false;
  }
  return FieldBounds{{std::move(strings), Interval::Point(regex)}, whole && !prefix.empty()};
}

std::optional<FieldBounds> LeafBounds(const BoundsContext& c, const MatchNode& node);

std::optional<FieldBounds> InBounds(const BoundsContext& c, const MatchNode& node) {
  FieldBounds out{{}, true};
  if (node.in_list() != nullptr) {
    for (const ValueView v : *node.in_list()) {
      std::optional<FieldBounds> one = EqualityBounds(c, v);
      if (!one) {
        return std::nullopt;
      }
      out.exact = out.exact && one->exact;
      std::move(one->intervals.begin(), one->intervals.end(), std::back_inserter(out.intervals));
    }
  }
  for (const auto& child : node.children()) {
    std::optional<FieldBounds> one = LeafBounds(c, *child);
    if (!one) {
      return std::nullopt;
    }
    out.exact = false;
    std::move(one->intervals.begin(), one->intervals.end(), std::back_inserter(out.intervals));
  }
  Normalize(&out.intervals);
  return out;
}

std::optional<FieldBounds> NotBounds(const BoundsContext& c, const MatchNode& node) {
  const MatchNode& inner = *node.children().front();
  if (inner.path().text() != c.path() || c.sparse()) {
    return std::nullopt;
  }
  if (inner.kind() == MatchKind::kExists) {
    return FieldBounds{{Interval::Point(ValueView(Type::kNull, ""))}, false};
  }
  const bool simple = inner.kind() == MatchKind::kEq || inner.kind() == MatchKind::kIn ||
                      inner.kind() == MatchKind::kLt || inner.kind() == MatchKind::kLte ||
                      inner.kind() == MatchKind::kGt || inner.kind() == MatchKind::kGte;
  if (!simple) {
    return std::nullopt;
  }
  std::optional<FieldBounds> bounds = LeafBounds(c, inner);
  if (!bounds || !bounds->exact) {
    return std::nullopt;
  }
  return FieldBounds{Complement(bounds->intervals), !c.multikey()};
}

// The intersection over children that bound the field; for values of one array element, so multikey
// does not forbid it.
std::optional<FieldBounds> ElementBounds(const BoundsContext& c, const MatchNode& node,
                                         bool same_element) {
  std::optional<FieldBounds> out;
  for (const auto& child : node.children()) {
    std::optional<FieldBounds> one = LeafBounds(c, *child);
    if (!one) {
      continue;
    }
    if (!out) {
      out = std::move(one);
    } else if (same_element) {
      out->intervals = Intersect(out->intervals, one->intervals);
    }
  }
  if (out) {
    out->exact = false;
  }
  return out;
}

std::optional<FieldBounds> LeafBounds(const BoundsContext& c, const MatchNode& node) {
  switch (node.kind()) {
    case MatchKind::kEq:
      return EqualityBounds(c, node.operand());
    case MatchKind::kLt:
    case MatchKind::kLte:
    case MatchKind::kGt:
    case MatchKind::kGte:
      return RangeBounds(c, node.kind(), node.operand());
    case MatchKind::kIn:
      return InBounds(c, node);
    case MatchKind::kRegex:
      return RegexBounds(c, node.operand());
    case MatchKind::kExists:
      return FieldBounds{{Interval::All()}, false};
    case MatchKind::kAll:
      return ElementBounds(c, node, false);
    case MatchKind::kElemMatchValue:
      return ElementBounds(c, node, true);
    default:
      return std::nullopt;
  }
}

// {a: {$elemMatch: {b: ..}}} seen from an index on "a.b".
std::optional<FieldBounds> ElemMatchObjectBounds(const BoundsContext& c, const MatchNode& node) {
  const std::string& prefix = node.path().text();
  const std::string_view path = c.path();
  if (path.size() <= prefix.size() + 1 || !path.starts_with(prefix) || path[prefix.size()] != '.') {
    return std::nullopt;
  }
  const std::string_view rest = path.substr(prefix.size() + 1);
  std::optional<FieldBounds> out;
  std::vector<const MatchNode*> todo;
  for (const auto& child : node.children()) {
    todo.push_back(child.get());
  }
  while (!todo.empty()) {
    const MatchNode* at = todo.back();
    todo.pop_back();
    if (at->kind() == MatchKind::kAnd) {
      for (const auto& child : at->children()) {
        todo.push_back(child.get());
      }
      continue;
    }
    if (at->path().text() != rest) {
      continue;
    }
    std::optional<FieldBounds> one = LeafBounds(c, *at);
    if (one) {
      one->exact = false;
      if (out) {
        out->intervals = Intersect(out->intervals, one->intervals);
      } else {
        out = std::move(one);
      }
    }
  }
  return out;
}

}  // namespace

std::optional<FieldBounds> BoundsFor(const MatchNode& node, const catalog::IndexEntry& index,
                                     size_t field, const bson::StringComparator* collator) {
  const BoundsContext c{index, field, collator};
  if (node.kind() == MatchKind::kNot && node.children().size() == 1) {
    return NotBounds(c, node);
  }
  if (node.kind() == MatchKind::kElemMatchObject) {
    return ElemMatchObjectBounds(c, node);
  }
  if (node.path().text() != c.path()) {
    return std::nullopt;
  }
  return LeafBounds(c, node);
}

namespace {

// Chooses what bounds one field: on a multikey field the bounds of two predicates may not be
// intersected (different elements may satisfy them), so the tighter one is taken.
FieldBounds BoundsOfField(const std::vector<const MatchNode*>& conjuncts,
                          const catalog::IndexEntry& index, size_t field,
                          const bson::StringComparator* collator, std::vector<char>* answered,
                          bool* bounded) {
  const bool multikey = (index.multikey->load(std::memory_order_relaxed) >> field & 1) != 0;
  FieldBounds out{{Interval::All()}, false};
  *bounded = false;
  for (size_t i = 0; i < conjuncts.size(); ++i) {
    std::optional<FieldBounds> one = BoundsFor(*conjuncts[i], index, field, collator);
    if (!one) {
      continue;
    }
    if (!*bounded) {
      out = std::move(*one);
      (*answered)[i] = out.exact;
    } else if (!multikey) {
      out.intervals = Intersect(out.intervals, one->intervals);
      (*answered)[i] = one->exact;
    } else if (AllPoints(one->intervals) && !AllPoints(out.intervals)) {
      std::fill(answered->begin(), answered->end(), 0);
      out = std::move(*one);
      (*answered)[i] = out.exact;
    }
    *bounded = true;
  }
  return out;
}

}  // namespace

IndexBounds MakeIndexBounds(const std::vector<const MatchNode*>& conjuncts,
                            const catalog::IndexEntry& index,
                            const bson::StringComparator* collator) {
  IndexBounds out;
  std::vector<char> answered(conjuncts.size(), 0);
  bool prefix_open = true;
  bool points = true;
  for (size_t f = 0; f < index.spec.fields.size(); ++f) {
    bool bounded = false;
    std::vector<char> mine(conjuncts.size(), 0);
    out.fields.push_back(BoundsOfField(conjuncts, index, f, collator, &mine, &bounded));
    for (size_t i = 0; i < mine.size(); ++i) {
      answered[i] = static_cast<char>(answered[i] | mine[i]);
    }
    const IntervalList& intervals = out.fields.back().intervals;
    out.empty = out.empty || intervals.empty();
    prefix_open = prefix_open && bounded;
    if (prefix_open) {
      ++out.bounded_fields;
    }
    points = points && bounded && AllPoints(intervals);
    if (points) {
      ++out.point_prefix;
    }
  }
  for (size_t i = 0; i < conjuncts.size(); ++i) {
    if (!answered[i]) {
      out.residual.push_back(conjuncts[i]);
    }
  }
  return out;
}

namespace {

using Builders = std::vector<storage::KeyBuilder>;

// Closes `prefix` with one interval of field values; `descending` swaps the ends.
KeyRange CloseRange(const storage::KeyBuilder& prefix, const Interval& interval, bool descending) {
  using storage::Discriminator;
  storage::KeyBuilder low = prefix;
  storage::KeyBuilder high = prefix;
  const Value& first = descending ? interval.high : interval.low;
  const Value& last = descending ? interval.low : interval.high;
  const bool first_inclusive = descending ? interval.high_inclusive : interval.low_inclusive;
  const bool last_inclusive = descending ? interval.low_inclusive : interval.high_inclusive;
  low.Append(first.view());
  low.Append(first_inclusive ? Discriminator::kBefore : Discriminator::kAfter);
  high.Append(last.view());
  high.Append(last_inclusive ? Discriminator::kAfter : Discriminator::kBefore);
  return {low.TakeKey(), high.TakeKey()};
}

// Multiplies the prefixes by a field's points; false if that would be too many.
bool ExtendByPoints(const IntervalList& points, Builders* prefixes) {
  if (prefixes->size() * points.size() > kMaxScansToExplode && points.size() > 1) {
    return false;
  }
  Builders next;
  next.reserve(prefixes->size() * points.size());
  for (const storage::KeyBuilder& prefix : *prefixes) {
    for (const Interval& point : points) {
      next.push_back(prefix);
      next.back().Append(point.low.view());
    }
  }
  *prefixes = std::move(next);
  return true;
}

}  // namespace

void MakeRanges(const IndexBounds& bounds, const catalog::IndexEntry& index, bool forward,
                std::vector<KeyRange>* ranges, std::vector<IndexScanOptions::FieldCheck>* checks) {
  if (bounds.empty) {
    return;
  }
  Builders prefixes;
  prefixes.emplace_back(index.ident, index.spec.descending_mask);
  const size_t n = bounds.fields.size();
  size_t f = 0;
  while (f < n && AllPoints(bounds.fields[f].intervals) &&
         ExtendByPoints(bounds.fields[f].intervals, &prefixes)) {
    ++f;
  }
  for (const storage::KeyBuilder& prefix : prefixes) {
    if (f == n) {
      storage::KeyBuilder low = prefix;
      storage::KeyBuilder high = prefix;
      low.Append(storage::Discriminator::kBefore);
      high.Append(storage::Discriminator::kAfter);
      ranges->push_back({low.TakeKey(), high.TakeKey()});
      continue;
    }
    for (const Interval& interval : bounds.fields[f].intervals) {
      ranges->push_back(CloseRange(prefix, interval, index.spec.fields[f].descending));
    }
  }
  std::sort(ranges->begin(), ranges->end(),
            [](const KeyRange& a, const KeyRange& b) { return a.low < b.low; });
  if (!forward) {
    std::reverse(ranges->begin(), ranges->end());
  }
  for (size_t later = f + 1; later < n; ++later) {
    const IntervalList& intervals = bounds.fields[later].intervals;
    if (intervals.size() != 1 || !intervals[0].IsAll()) {
      checks->push_back({static_cast<int>(later), intervals});
    }
  }
}

std::string BoundsText(const IndexBounds& bounds, const catalog::IndexEntry& index, bool forward) {
  bson::DocBuilder out;
  for (size_t f = 0; f < bounds.fields.size(); ++f) {
    const bool backward = index.spec.fields[f].descending == forward;
    const auto list = out.Array(index.spec.fields[f].path.text());
    const IntervalList& intervals = bounds.fields[f].intervals;
    for (size_t i = 0; i < intervals.size(); ++i) {
      if (!backward) {
        out.Add(intervals[i].ToText());
        continue;
      }
      const Interval& from = intervals[intervals.size() - 1 - i];
      out.Add(Interval{from.high, from.low, from.high_inclusive, from.low_inclusive}.ToText());
    }
  }
  return out.Finish();
}

namespace {

// Every value that `wanted` admits, `given` admits only such: intervals of given inside wanted.
bool Implies(const MatchNode& given, const MatchNode& wanted) {
  if (given.path().text() != wanted.path().text()) {
    return false;
  }
  catalog::IndexEntry probe;
  probe.spec.fields.push_back({wanted.path(), false});
  probe.multikey = std::make_shared<std::atomic<uint64_t>>(0);
  const BoundsContext c{probe, 0, nullptr};
  const std::optional<FieldBounds> narrow = LeafBounds(c, given);
  if (!narrow) {
    return false;
  }
  if (wanted.kind() == MatchKind::kExists) {
    const bool may_be_null = Contains(narrow->intervals, ValueView(Type::kNull, ""));
    return given.kind() == MatchKind::kExists || !may_be_null;
  }
  const std::optional<FieldBounds> wide = LeafBounds(c, wanted);
  if (!wide || !wide->exact) {
    return false;
  }
  const IntervalList outside = Intersect(narrow->intervals, Complement(wide->intervals));
  return outside.empty();
}

}  // namespace

bool ImpliesPartialFilter(const std::vector<const MatchNode*>& conjuncts, const Matcher* partial) {
  if (partial == nullptr) {
    return true;
  }
  std::vector<const MatchNode*> wanted;
  if (partial->root().kind() == MatchKind::kAnd) {
    for (const auto& child : partial->root().children()) {
      wanted.push_back(child.get());
    }
  } else {
    wanted.push_back(&partial->root());
  }
  return std::all_of(wanted.begin(), wanted.end(), [&conjuncts](const MatchNode* want) {
    return std::any_of(conjuncts.begin(), conjuncts.end(),
                       [want](const MatchNode* given) { return Implies(*given, *want); });
  });
}

}  // namespace septet::query
