// SPDX-License-Identifier: Apache-2.0
// collMod (S02-022): {collMod: coll, index: {name | keyPattern, expireAfterSeconds, hidden}, validator,
//   validationLevel, validationAction, viewOn, pipeline, ...}; reply *_old / *_new pairs.
// validate (S02-037): {validate: coll, full, metadata}; reply of what the full check found.
#include "base/strings.h"
#include "catalog/validate.h"
#include "commands/ddl/in_pool.h"
#include "commands/ddl/view_cycle.h"
#include "commands/parse.h"
#include "commands/services.h"
#include "query/match/matcher.h"
#include "query/runtime.h"

namespace septet::commands {
namespace {

// What the catalog cannot check: the validator's language, and the pipeline and foundation of a view.
Status CheckCollMod(const Services& services, const catalog::Namespace& ns, bson::DocView body) {
  const bson::ValueView validator = body.Find("validator");
  if (validator.is_object() && !validator.AsDoc().empty()) {
    query::MatchOptions options;
    options.allow_text = false;
    options.allow_geo_near = false;
    options.allow_where = false;
    RETURN_IF_ERROR(Prefixed("Parsing of collection validator failed :: caused by :: ",
                             query::Matcher::Parse(validator.AsDoc(), options).status()));
  }
  const catalog::CollectionPtr view = services.catalog->Find(ns.full());
  if (view == nullptr || !view->is_view) {
    return OkStatus();
  }
  const bson::ValueView view_on = body.Find("viewOn");
  if (view_on.is_string()) {
    RETURN_IF_ERROR(CheckViewCycle(*services.catalog, ns, view_on.AsString()));
  }
  const bson::ValueView pipeline = body.Find("pipeline");
  if (pipeline.is_array()) {
    RETURN_IF_ERROR(CheckViewPipeline(
        services, ns, view_on.is_string() ? view_on.AsString() : std::string_view(view->view_on),
        pipeline.AsArray()));
  }
  return OkStatus();
}

Outcome RunCollMod(catalog::Op* op, const Services& services, const Request& request,
                   bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, ns = *ns, body = request.body, reply]() -> Outcome {
    const Status checked = CheckCollMod(*all, ns, body);
    if (!checked.ok()) {
      return Outcome::Fail(checked);
    }
    const Status status = all->catalog->CollMod(op, ns, body, reply);
    if (status.ok()) {
      all->query->plans.Clear();
    }
    return Outcome::Of(status);
  });
}

void AppendReport(const catalog::CollectionInfo& c, const catalog::ValidateReport& report,
                  bson::DocBuilder* reply) {
  reply->Append("ns", c.ns.full());
  reply->Append("uuid", bson::BinData{4, {reinterpret_cast<const char*>(c.uuid.bytes), 16}});
  reply->Append("nInvalidDocuments", static_cast<int32_t>(report.invalid_documents));
  reply->Append("nNonCompliantDocuments", 0);
  reply->Append("nrecords", static_cast<int32_t>(report.records));
  reply->Append("nIndexes", static_cast<int32_t>(report.indexes.size()));
  {
    const auto keys = reply->Object("keysPerIndex");
    for (const catalog::IndexReport& index : report.indexes) {
      reply->Append(index.name, static_cast<int32_t>(index.keys));
    }
  }
  {
    const auto details = reply->Object("indexDetails");
    for (const catalog::IndexReport& index : report.indexes) {
      const auto one = reply->Object(index.name);
      reply->Append("valid", index.valid);
    }
  }
  reply->Append("valid", report.valid);
  reply->Append("repaired", false);
  {
    const auto list = reply->Array("warnings");
    for (const std::string& text : report.warnings) {
      reply->Add(text);
    }
  }
  {
    const auto list = reply->Array("errors");
    for (const std::string& text : report.errors) {
      reply->Add(text);
    }
  }
  const auto documents = [reply](std::string_view name, const std::vector<std::string>& from) {
    const auto list = reply->Array(name);
    for (const std::string& document : from) {
      reply->Add(bson::DocView(document));
    }
  };
  documents("extraIndexEntries", report.extra_index_entries);
  documents("missingIndexEntries", report.missing_index_entries);
  const auto corrupt = reply->Array("corruptRecords");
  for (const catalog::RecordId rid : report.corrupt_records) {
    reply->Add(rid);
  }
}

Outcome RunValidate(catalog::Op* op, const Services& services, const Request& request,
                    bson::DocBuilder* reply) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  LooseBool full, metadata, background, repair;
  const Status parsed = ParseFields("validate", request.body,
                                    {{"full", &full}, {"metadata", &metadata},
                                     {"background", &background}, {"repair", &repair}});
  if (!parsed.ok()) {
    return Outcome::Fail(parsed);
  }
  if (background.value && full.value) {
    return Outcome::Fail(Error(ErrorCode::kCommandNotSupported,
                               "Running the validate command with both { background: true } and { full: "
                               "true } is not supported."));
  }
  if (repair.value) {
    return Outcome::Fail(Error(ErrorCode::kCommandNotSupported, "validate with repair is not supported"));
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, ns = *ns, reply]() -> Outcome {
    const catalog::CollectionPtr collection = all->catalog->Find(ns.full());
    if (collection == nullptr) {
      return Outcome::Fail(
          Error(ErrorCode::kNamespaceNotFound,
                StrCat("Collection '", ns.full(), "' does not exist to validate.")));
    }
    if (collection->is_view) {
      return Outcome::Fail(Error(ErrorCode::kCommandNotSupportedOnView, "Cannot validate a view"));
    }
    const StatusOr<catalog::ValidateReport> report =
        catalog::ValidateCollection(all->catalog->engine(), *collection, &op->interrupt);
    if (!report.ok()) {
      return Outcome::Fail(report.status());
    }
    AppendReport(*collection, *report, reply);
    return Outcome::Ok();
  });
}

}  // namespace

extern const CommandSpec kCollModCommand;
const CommandSpec kCollModCommand{
    .name = "collMod", .aliases = {}, .flags = kWrite, .help = "Changes options of a collection",
    .fields = {}, .api_version = "1", .run = RunCollMod};

extern const CommandSpec kValidateCommand;
const CommandSpec kValidateCommand{
    .name = "validate", .aliases = {}, .flags = kReadData,
    .help = "Checks a collection and its indexes against each other",
    .fields = {"full", "metadata", "background", "repair", "checkBSONConformance"}, .api_version = "",
    .run = RunValidate};

}  // namespace septet::commands
