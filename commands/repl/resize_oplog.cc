// SPDX-License-Identifier: Apache-2.0
// replSetResizeOplog: {replSetResizeOplog: 1, size: <MB, double, at least 990>, minRetentionHours: <double>}
// Reply: {ok: 1}. Changes this member only. The size is kept over restarts, the retention is not.
// Errors: NoReplicationEnabled, BadValue for values out of range, InvalidOptions when neither is given.
// Source: manual, replSetResizeOplog (S02-083).
#include "base/strings.h"
#include "bson/number.h"
#include "commands/ddl/in_pool.h"
#include "commands/parse.h"
#include "commands/repl/common.h"

namespace septet::commands {
namespace {

constexpr double kMinMegabytes = 990;
constexpr double kMaxMegabytes = 1LL << 30;  // a petabyte
constexpr double kMaxHours = 1e6;

// `out` stays as it is if the field is absent.
Status ReadNumber(bson::DocView body, std::string_view field, double min, double max,
                  std::optional<double>* out) {
  const bson::ValueView v = body.Find(field);
  if (v.missing()) {
    return OkStatus();
  }
  if (!v.is_number()) {
    return WrongType("replSetResizeOplog", field, v.type(), "double");
  }
  const double number = bson::ToDouble(v);
  if (!(number >= min && number <= max)) {
    return Error(ErrorCode::kBadValue,
                 StrCat("BSON field '", field, "' value must be >= ", min, ", actual value '", number,
                        "'"));
  }
  *out = number;
  return OkStatus();
}

Outcome RunResizeOplog(catalog::Op* op, const Services& services, const Request& request,
                       bson::DocBuilder*) {
  if (services.driver == nullptr) {
    return Outcome::Fail(NoReplication());
  }
  std::optional<double> megabytes;
  std::optional<double> hours;
  for (const Status& status :
       {ReadNumber(request.body, "size", kMinMegabytes, kMaxMegabytes, &megabytes),
        ReadNumber(request.body, "minRetentionHours", 0, kMaxHours, &hours)}) {
    if (!status.ok()) {
      return Outcome::Fail(status);
    }
  }
  if (!megabytes && !hours) {
    return Outcome::Fail(
        Error(ErrorCode::kInvalidOptions, "size or minRetentionHours must be specified"));
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, megabytes, hours]() -> Outcome {
    if (megabytes) {
      const Status resized =
          all->catalog->ResizeOplog(op, static_cast<int64_t>(*megabytes * 1024 * 1024));
      if (!resized.ok()) {
        return Outcome::Fail(resized);
      }
    }
    if (hours) {
      all->driver->set_oplog_min_retention_secs(static_cast<int64_t>(*hours * 3600));
    }
    return Outcome::Ok();
  });
}

}  // namespace

extern const CommandSpec kReplSetResizeOplogCommand;
const CommandSpec kReplSetResizeOplogCommand{
    .name = "replSetResizeOplog", .aliases = {}, .flags = kAdminOnly | kMaintenanceOk,
    .help = "Changes the size of this member's oplog",
    .fields = {"size", "minRetentionHours"}, .api_version = "", .run = RunResizeOplog};

}  // namespace septet::commands
