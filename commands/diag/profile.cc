// SPDX-License-Identifier: Apache-2.0
// {profile: -1 | 0 | 1 | 2, slowms?, sampleRate?, filter? (document or "unset")}
// -> {was, slowms, sampleRate, filter?, note?}. The level and the filter are the database's, slowms and
// sampleRate the server's. S02-092. Errors: BadValue.
#include "base/strings.h"
#include "commands/command.h"
#include "commands/parse.h"
#include "commands/services.h"
#include "commands/usage.h"
#include "query/match/matcher.h"

namespace septet::commands {
namespace {

Status Apply(const Request& request, ProfileSettings* settings, bool* changes) {
  int64_t level = -1;
  std::optional<int64_t> slow_millis;
  std::optional<double> sample_rate;
  bson::ValueView filter;
  RETURN_IF_ERROR(ParseFields("profile", request.body,
                              {{"profile", &level, true},
                               {"slowms", &slow_millis},
                               {"sampleRate", &sample_rate},
                               {"filter", &filter}}));
  if (sample_rate.has_value() && !(*sample_rate >= 0.0 && *sample_rate <= 1.0)) {
    return Error(ErrorCode::kBadValue, "'sampleRate' must be between 0.0 and 1.0 inclusive");
  }
  if (!filter.missing() && !filter.is_object() &&
      !(filter.is_string() && filter.AsString() == "unset")) {
    return Error(ErrorCode::kBadValue, "Expected an object, or the string 'unset'.");
  }
  *changes = (level >= 0 && level <= 2) || slow_millis || sample_rate || !filter.missing();
  if (level >= 0 && level <= 2) {
    settings->level = static_cast<int>(level);
  }
  settings->slow_millis = slow_millis.value_or(settings->slow_millis);
  settings->sample_rate = sample_rate.value_or(settings->sample_rate);
  if (filter.is_object()) {
    RETURN_IF_ERROR(query::Matcher::Parse(filter.AsDoc(), {}).status());
    settings->filter = filter.AsDoc().ToBytes();
  } else if (filter.is_string()) {
    settings->filter.clear();
  }
  return OkStatus();
}

Outcome Run(catalog::Op*, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  const ProfileSettings was = services.usage->Profile(request.db);
  ProfileSettings settings = was;
  bool changes = false;
  if (const Status status = Apply(request, &settings, &changes); !status.ok()) {
    return Outcome::Fail(status);
  }
  if (request.db == "local" && settings.level > 0) {
    return Outcome::Fail(Error(ErrorCode::kBadValue, "Cannot profile database local"));
  }
  reply->Append("was", was.level);
  reply->Append("slowms", static_cast<int32_t>(was.slow_millis));
  reply->Append("sampleRate", was.sample_rate);
  if (!was.filter.empty()) {
    reply->Append("filter", bson::DocView(was.filter));
    reply->Append("note",
                  "When a filter expression is set, slowms and sampleRate are not used for "
                  "profiling and slow-query log lines.");
  }
  if (changes) {
    services.usage->SetProfile(request.db, settings);
  }
  return Outcome::Ok();
}

}  // namespace

extern const CommandSpec kProfileCommand;
const CommandSpec kProfileCommand = {
    .name = "profile",
    .flags = kMaintenanceOk,
    .help = "controls the behavior of the performance profiler, the fraction of eligible operations "
            "which are sampled for logging/profiling, and the threshold duration at which ops become "
            "eligible. See http://docs.mongodb.org/manual/reference/command/profile/#dbcmd.profile",
    .fields = {"slowms", "sampleRate", "filter"},
    .run = Run,
};

}  // namespace septet::commands
