// SPDX-License-Identifier: Apache-2.0
// Collations over ICU. Parse({locale: "en", strength: 2}) gives a comparator; {locale: "simple"} and an
// empty document give null (binary comparison). Errors: BadValue for an unknown locale or field value,
// with a server's texts.
// Thread rule: a Collation is immutable and thread-safe.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "bson/compare.h"
#include "bson/view.h"

namespace septet::query {

class Collation : public bson::StringComparator {
 public:
  // The whole specification with defaults filled in, as listIndexes shows it.
  virtual const std::string& spec() const = 0;
};

StatusOr<std::shared_ptr<const Collation>> ParseCollation(bson::DocView spec);

}  // namespace septet::query
