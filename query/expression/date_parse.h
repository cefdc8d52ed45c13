// SPDX-License-Identifier: Apache-2.0
// From text to a moment: ISO 8601 and the usual written forms ("July 4 2020", "4 Jul 2020 10:11
// PM", "7/4/2020"), or a format with % specifiers. Source: manual, "$dateFromString". Thread rule:
// pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "query/expression/expression.h"
#include "query/expression/time_zone.h"

namespace septet::query {

// Milliseconds of a date, timestamp or ObjectId. Error 16006: another type.
StatusOr<int64_t> MomentOf(ValueView v);

// `zone` null: UTC, and the text may carry a zone of its own; with a zone it may not.
// Errors: ConversionFailure (241).
StatusOr<int64_t> ParseDate(std::string_view text, const TimeZone* zone);
// The same by format. Errors: 18535, 18536 for the format.
StatusOr<int64_t> ParseDateByFormat(std::string_view text, std::string_view format,
                                    const TimeZone* zone);

// "January" ...; 0-based.
std::string_view MonthName(int month);

}  // namespace septet::query
