// SPDX-License-Identifier: Apache-2.0
// A collection's validator (create/collMod: validator, validationLevel, validationAction) applied to a
// document about to be stored. Error: DocumentValidationFailure (121) with errInfo.
// Thread rule: immutable.
#pragma once

#include <memory>

#include "base/status.h"
#include "catalog/collection.h"
#include "commands/command.h"
#include "query/match/matcher.h"

namespace septet::commands {

class DocumentValidator {
 public:
  // Null if the collection has no validator, its level is "off", or the request bypasses it.
  static StatusOr<std::shared_ptr<const DocumentValidator>> For(
      const catalog::CollectionInfo& collection, const Request& request) {
    return For(collection, Bypassed(request));
  }
  static StatusOr<std::shared_ptr<const DocumentValidator>> For(
      const catalog::CollectionInfo& collection, bool bypass);
  static bool Bypassed(const Request& request);

  // A document to be inserted, or the result of an update.
  Status Check(bson::DocView doc) const;
  // An update: with level "moderate" a document that was invalid before may stay so.
  Status CheckUpdate(bson::DocView before, bson::DocView after) const;

 private:
  StatusOr<bool> Matches(bson::DocView doc) const;

  std::unique_ptr<const query::Matcher> matcher_;
  std::string ns_;
  bool moderate_ = false;
  bool warn_only_ = false;
};

}  // namespace septet::commands
