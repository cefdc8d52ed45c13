// SPDX-License-Identifier: Apache-2.0
// Updates by a whole document. The old _id is kept, in front; names at the top may not start with
// `$`; empty timestamps at the top become the cluster time. Proved by recorded_update_test
// (S03-037).
#include "base/strings.h"
#include "query/update/forms.h"

namespace septet::query {
namespace {

class ReplacementUpdate : public Update {
 public:
  explicit ReplacementUpdate(DocView u) : bytes_(u.ToBytes()) {}

  Status Apply(DocView doc, const MatchDetails*, EvalContext* ctx, bool,
               UpdateResult* result) const override {
    const DocView replacement(bytes_);
    result->replacement = true;
    result->modified = false;
    if (doc.raw() == replacement.raw()) {
      result->document.assign(doc.raw());
      result->log_entry.clear();
      return OkStatus();
    }
    if (replacement.Has("_id")) {
      RETURN_IF_ERROR(CheckSameId(doc, replacement));
    }
    result->document.clear();
    bson::DocBuilder out(&result->document);
    ValueView id = doc["_id"];
    if (id.missing()) {
      id = replacement["_id"];
    }
    out.Append("_id", id);
    for (const bson::ElementView e : replacement) {
      if (e.name() == "_id") {
        continue;
      }
      if (e.name().starts_with('$')) {
        return Error(ErrorCode::kDollarPrefixedFieldName,
                     StrCat("The dollar ($) prefixed field '", e.name(), "' in '", e.name(),
                            "' is not valid for storage."));
      }
      if (e.type() == bson::Type::kTimestamp && e.value().AsTimestamp().IsNull()) {
        out.Append(e.name(), ctx->cluster_time);
      } else {
        out.Append(e);
      }
    }
    out.Seal();
    result->modified = true;
    result->log_entry = result->document;
    return CheckSize(DocView(result->document));
  }

  StatusOr<std::string> MakeUpsertDocument(const Matcher& query, EvalContext* ctx) const override {
    ASSIGN_OR_RETURN(const std::string base, EqualityFields(query, true, ctx));
    UpdateResult result;
    RETURN_IF_ERROR(Apply(DocView(base), nullptr, ctx, true, &result));
    return WithIdFirst(DocView(result.document));
  }

  bool is_replacement() const override { return true; }
  bool NeedsMatchDetails() const override { return false; }
  void ChangedPaths(std::vector<std::string>*, bool* whole_document) const override {
    *whole_document = true;
  }

 private:
  std::string bytes_;
};

}  // namespace

StatusOr<UpdatePtr> ParseReplacementUpdate(DocView u, const UpdateOptions& options) {
  if (options.multi) {
    return Error(ErrorCode::kFailedToParse,
                 "multi update is not supported for replacement-style update");
  }
  RETURN_IF_ERROR(CheckDepth(ValueView(bson::Type::kObject, u.data()), 0));
  return std::make_unique<ReplacementUpdate>(u);
}

}  // namespace septet::query
