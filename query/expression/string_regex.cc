// SPDX-License-Identifier: Apache-2.0
// $regexFind $regexFindAll $regexMatch {input, regex, options}. Positions are code points. A
// constant pattern is compiled once. Source: manual, "$regexFind".
#include <memory>
#include <vector>

#include "base/strings.h"
#include "query/expression/operator.h"
#include "query/expression/regex.h"
#include "query/expression/utf8.h"

namespace septet::query {

using bson::Type;
using bson::TypeName;

namespace {

using RegexPtr = std::unique_ptr<const CompiledRegex>;

constexpr NamedArgument kArguments[] = {
    {"input", 31022, "$op requires '%' parameter"},
    {"regex", 31023, "$op requires '%' parameter"},
    {"options"},
};
constexpr std::string_view kNames[] = {"input", "regex", "options"};
constexpr NamedSpec kSpec = {51103,      "$op expects an object of named arguments but found: %",
                             31024,      "$op found an unknown argument: %",
                             kArguments, kNames};

// The compiled pattern, or null for a null regex.
StatusOr<RegexPtr> Compile(std::string_view op, ValueView regex, ValueView options) {
  if (!regex.nullish() && !regex.is_string() && regex.type() != Type::kRegex) {
    return Error(51105, StrCat(op, " needs 'regex' to be of type string or regex"));
  }
  if (!options.nullish() && !options.is_string()) {
    return Error(51106, StrCat(op, " needs 'options' to be of type string"));
  }
  if (regex.nullish()) {
    return RegexPtr();
  }
  std::string_view pattern;
  std::string_view flags = options.is_string() ? options.AsString() : std::string_view();
  if (regex.is_string()) {
    pattern = regex.AsString();
  } else {
    pattern = regex.AsRegex().pattern;
    const std::string_view own = regex.AsRegex().options;
    if (!own.empty() && !options.nullish()) {
      return Error(51107, StrCat(op,
                                 ": found regex option(s) specified in both 'regex' and "
                                 "'option' fields"));
    }
    flags = own.empty() ? flags : own;
  }
  if (pattern.find('\0') != std::string_view::npos) {
    return Error(51109, StrCat(op, ": regular expression cannot contain an embedded null byte"));
  }
  if (flags.find('\0') != std::string_view::npos) {
    return Error(51110,
                 StrCat(op, ": regular expression options cannot contain an embedded null byte"));
  }
  StatusOr<RegexPtr> compiled = CompiledRegex::Compile(pattern, flags, op);
  if (!compiled.ok() && CodeOf(compiled.status()) == static_cast<ErrorCode>(51091)) {
    constexpr std::string_view kPrefix = "Regular expression is invalid: ";
    std::string_view text = TextOf(compiled.status());
    text.remove_prefix(text.starts_with(kPrefix) ? kPrefix.size() : 0);
    return Error(51111, StrCat("Invalid Regex in ", op, ": ", text));
  }
  return compiled;
}

enum class Answer { kBool, kFirst, kAll };

class RegexExpression final : public OperatorExpression {
 public:
  RegexExpression(Answer answer, std::string_view name, std::vector<ExpressionPtr> operands)
      : OperatorExpression(name, kNames, std::move(operands)), answer_(answer) {}

  // Compiles a constant pattern; its error is an error of folding.
  void Precompile(ParseContext* ctx) {
    const ValueView regex = operands_[1]->Constant();
    const bool has_options = operands_[2] != nullptr;
    const ValueView options = has_options ? operands_[2]->Constant() : ValueView();
    if (regex.missing() || (has_options && options.missing())) {
      return;
    }
    StatusOr<RegexPtr> compiled = Compile(name_, regex, options);
    if (compiled.ok()) {
      compiled_ = *std::move(compiled);
    } else {
      ctx->NoteFoldError(compiled.status());
    }
  }

  StatusOr<ValueView> Evaluate(EvalContext* ctx) const override {
    ASSIGN_OR_RETURN(const ValueView input, operands_[0]->Evaluate(ctx));
    if (compiled_ != nullptr) {
      return Run(compiled_.get(), input, ctx);
    }
    ASSIGN_OR_RETURN(const ValueView regex, operands_[1]->Evaluate(ctx));
    ValueView options;
    if (operands_[2] != nullptr) {
      ASSIGN_OR_RETURN(options, operands_[2]->Evaluate(ctx));
    }
    ASSIGN_OR_RETURN(const RegexPtr compiled, Compile(name_, regex, options));
    return Run(compiled.get(), input, ctx);
  }

 private:
  StatusOr<ValueView> Run(const CompiledRegex* regex, ValueView input, EvalContext* ctx) const {
    if (!input.nullish() && !input.is_string()) {
      return Error(51104, StrCat(name_, " needs 'input' to be of type string"));
    }
    const bool nothing = regex == nullptr || input.nullish();
    switch (answer_) {
      case Answer::kBool:
        return BoolValue(!nothing && regex->Match(input.AsString()));
      case Answer::kFirst:
        return nothing ? StatusOr<ValueView>(NullValue()) : First(*regex, input.AsString(), ctx);
      case Answer::kAll:
        break;
    }
    return All(regex, nothing ? std::string_view() : input.AsString(), nothing, ctx);
  }

  StatusOr<bool> Find(const CompiledRegex& regex, std::string_view text, size_t start,
                      std::vector<CompiledRegex::Range>* groups) const {
    const int found = regex.Find(text, start, groups);
    if (found < 0) {
      return Error(51156, StrCat("Error occurred while executing the regular expression in ", name_,
                                 ". Result code: ", found));
    }
    return found == 1;
  }

  static ValueView MatchObject(std::string_view text, int64_t index,
                               const std::vector<CompiledRegex::Range>& groups, EvalContext* ctx) {
    const auto part = [&](const CompiledRegex::Range& range) {
      return range.begin < 0
                 ? NullValue()
                 : ctx->arena->String(text.substr(static_cast<size_t>(range.begin),
                                                  static_cast<size_t>(range.end - range.begin)));
    };
    ObjectWriter out(ctx);
    out.Add("match", part(groups[0]));
    out.Add("idx", ctx->arena->Int32(static_cast<int32_t>(index)));
    ArrayWriter captures(ctx);
    for (size_t i = 1; i < groups.size(); ++i) {
      captures.Add(part(groups[i]));
    }
    out.Add("captures", captures.Finish());
    return out.Finish();
  }

  StatusOr<ValueView> First(const CompiledRegex& regex, std::string_view text,
                            EvalContext* ctx) const {
    std::vector<CompiledRegex::Range> groups;
    ASSIGN_OR_RETURN(const bool found, Find(regex, text, 0, &groups));
    if (!found) {
      return NullValue();
    }
    const int64_t index = CountCodePoints(text.substr(0, static_cast<size_t>(groups[0].begin)));
    return MatchObject(text, index, groups, ctx);
  }

  StatusOr<ValueView> All(const CompiledRegex* regex, std::string_view text, bool nothing,
                          EvalContext* ctx) const {
    ArrayWriter out(ctx);
    std::vector<CompiledRegex::Range> groups;
    size_t start = 0;
    size_t counted = 0;  // bytes whose code points are in `index`
    int64_t index = 0;
    while (!nothing) {
      if (ctx->interrupt != nullptr) {
        RETURN_IF_ERROR(ctx->interrupt->Check());
      }
      ASSIGN_OR_RETURN(const bool found, Find(*regex, text, start, &groups));
      if (!found) {
        break;
      }
      const auto begin = static_cast<size_t>(groups[0].begin);
      const auto end = static_cast<size_t>(groups[0].end);
      index += CountCodePoints(text.substr(counted, begin - counted));
      counted = begin;
      out.Add(MatchObject(text, index, groups, ctx));
      start = end > begin ? end : NextCodePoint(text, begin);
      if (start >= text.size()) {
        break;
      }
    }
    return out.Finish();
  }

  const Answer answer_;
  RegexPtr compiled_;
};

template <Answer kAnswer>
StatusOr<ExpressionPtr> ParseRegex(std::string_view name, ValueView operand, ParseContext* ctx) {
  ASSIGN_OR_RETURN(auto operands, ParseNamedOperands(kSpec, name, operand, ctx));
  const bool constant = AllConstant(operands);
  auto made = std::make_unique<RegexExpression>(kAnswer, name, std::move(operands));
  made->Precompile(ctx);
  return constant ? Fold(std::move(made), ctx) : ExpressionPtr(std::move(made));
}

constexpr ExpressionRow kRows[] = {
    {"$regexFind", ParseRegex<Answer::kFirst>},
    {"$regexFindAll", ParseRegex<Answer::kAll>},
    {"$regexMatch", ParseRegex<Answer::kBool>},
};

}  // namespace

std::span<const ExpressionRow> StringRegexExpressions() {
  return kRows;
}

}  // namespace septet::query
