// SPDX-License-Identifier: Apache-2.0
// Updates by operators: the tree applied to a document.
#include "base/check.h"
#include "query/update/forms.h"

namespace septet::query {
namespace {

// The part of a path before `$`, $[] or $[id].
std::string StaticPart(const std::string& path) {
  const size_t at = path.find(".$");
  return at == std::string::npos ? path : path.substr(0, at);
}

class OperatorUpdate : public Update {
 public:
  static StatusOr<UpdatePtr> Parse(DocView u, const std::vector<DocView>& array_filters,
                                   const UpdateOptions& options) {
    auto update = std::make_unique<OperatorUpdate>(u);
    UpdateParser parser(options, &update->tree_);
    RETURN_IF_ERROR(parser.Parse(DocView(update->bytes_), array_filters));
    return UpdatePtr(std::move(update));
  }
  explicit OperatorUpdate(DocView u) : bytes_(u.ToBytes()) {}

  Status Apply(DocView doc, const MatchDetails* match, EvalContext* ctx, bool is_insert,
               UpdateResult* result) const override {
    UpdateRun run;
    run.doc = doc;
    run.match = match;
    run.ctx = ctx;
    run.arena = ctx->arena;
    run.is_insert = is_insert;
    Edit edit;
    RETURN_IF_ERROR(tree_.root.ApplyToDocument(&run, &edit, &result->document));
    result->replacement = false;
    result->modified = edit.kind != Edit::Kind::kKeep;
    if (!result->modified) {
      result->document.assign(doc.raw());
      result->log_entry.clear();
      return OkStatus();
    }
    result->log_entry.clear();
    bson::DocBuilder log(&result->log_entry);
    log.Append("$v", 2);
    log.Append("diff", edit.diff);
    log.Seal();
    return CheckSize(DocView(result->document));
  }

  StatusOr<std::string> MakeUpsertDocument(const Matcher& query, EvalContext* ctx) const override {
    ASSIGN_OR_RETURN(const std::string base, EqualityFields(query, false, ctx));
    UpdateResult result;
    RETURN_IF_ERROR(Apply(DocView(base), nullptr, ctx, true, &result));
    return WithIdFirst(DocView(result.document));
  }

  bool is_replacement() const override { return false; }
  bool NeedsMatchDetails() const override { return tree_.positional; }
  void ChangedPaths(std::vector<std::string>* paths, bool*) const override {
    for (const std::string& path : tree_.paths) {
      paths->push_back(StaticPart(path));
    }
  }

 private:
  std::string bytes_;
  UpdateTree tree_;
};

}  // namespace

StatusOr<UpdatePtr> ParseOperatorUpdate(DocView u, const std::vector<DocView>& array_filters,
                                        const UpdateOptions& options) {
  return OperatorUpdate::Parse(u, array_filters, options);
}

}  // namespace septet::query
