// SPDX-License-Identifier: Apache-2.0
#include "commands/crud/validator.h"

#include "base/log.h"
#include "bson/builder.h"
#include "bson/value.h"

namespace septet::commands {

bool DocumentValidator::Bypassed(const Request& request) {
  return request.body.Find("bypassDocumentValidation").Truthy();
}

StatusOr<std::shared_ptr<const DocumentValidator>> DocumentValidator::For(
    const catalog::CollectionInfo& collection, bool bypass) {
  const bson::DocView options(collection.options);
  const bson::ValueView validator =
      collection.options.empty() ? bson::ValueView() : options.Find("validator");
  if (bypass || !validator.is_object() || validator.AsDoc().empty()) {
    return std::shared_ptr<const DocumentValidator>();
  }
  const bson::ValueView level = options.Find("validationLevel");
  const bson::ValueView action = options.Find("validationAction");
  if (level.is_string() && level.AsString() == "off") {
    return std::shared_ptr<const DocumentValidator>();
  }
  auto out = std::make_shared<DocumentValidator>();
  ASSIGN_OR_RETURN(out->matcher_, query::Matcher::Parse(validator.AsDoc(), query::MatchOptions()));
  out->ns_ = collection.ns.full();
  out->moderate_ = level.is_string() && level.AsString() == "moderate";
  out->warn_only_ = action.is_string() && action.AsString() == "warn";
  return std::shared_ptr<const DocumentValidator>(std::move(out));
}

StatusOr<bool> DocumentValidator::Matches(bson::DocView doc) const {
  bson::Arena arena;
  query::EvalContext eval;
  eval.arena = &arena;
  eval.root = doc;
  return matcher_->Matches(doc, &eval);
}

Status DocumentValidator::Check(bson::DocView doc) const {
  ASSIGN_OR_RETURN(const bool valid, Matches(doc));
  if (valid) {
    return OkStatus();
  }
  if (warn_only_) {
    P_LOG(kWarning, kWrite, 20294, "Document would fail validation", {"namespace", ns_});
    return OkStatus();
  }
  bson::DocBuilder info;
  {
    const auto err_info = info.Object("errInfo");
    info.Append("failingDocumentId", doc.Find("_id"));
    bson::Arena arena;
    query::EvalContext eval;
    eval.arena = &arena;
    eval.root = doc;
    const std::string details = matcher_->ExplainFailure(doc, &eval);
    info.Append("details", bson::DocView(details));
  }
  return WithInfo(Error(ErrorCode::kDocumentValidationFailure, "Document failed validation"),
                  info.Finish());
}

Status DocumentValidator::CheckUpdate(bson::DocView before, bson::DocView after) const {
  const Status status = Check(after);
  if (status.ok() || !moderate_) {
    return status;
  }
  ASSIGN_OR_RETURN(const bool was_valid, Matches(before));
  return was_valid ? status : OkStatus();
}

}  // namespace septet::commands
