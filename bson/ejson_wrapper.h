// SPDX-License-Identifier: Apache-2.0
// The objects of extended JSON that stand for one value ({"$oid": ...}, {"$date": ...}, ...).
// Internal to bson/ejson_parse.cc.
#pragma once

#include <optional>
#include <string_view>

#include "base/status.h"
#include "bson/builder.h"
#include "bson/view.h"

namespace septet::bson {

// Appends under `name` what `object` stands for, or the object itself if its names are not those of a
// wrapper. Error FailedToParse if the names are but the values do not fit.
Status AppendWrapped(DocView object, std::string_view name, DocBuilder* b);
// The whole text as a double ("1.5", "-Infinity", "NaN"); nullopt if it is none. Too large: infinity.
std::optional<double> DoubleFromText(std::string_view text);

}  // namespace septet::bson
