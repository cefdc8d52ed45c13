// SPDX-License-Identifier: Apache-2.0
// create (S02-018): {create: coll, capped, size, max, validator, validationLevel, validationAction, viewOn, pipeline,
//   collation, idIndex, autoIndexId, storageEngine, indexOptionDefaults, expireAfterSeconds, ...}
// Reply: {ok: 1}. Existing collection: ok if the options are the same (7.0), else NamespaceExists (48).
// Errors: 2, 5 (view cycle), 14, 48, 72, 73, 51024, 50001; those of validator and pipeline.
#include "base/strings.h"
#include "bson/number.h"
#include "commands/ddl/in_pool.h"
#include "commands/ddl/view_cycle.h"
#include "commands/parse.h"
#include "query/expression/collation.h"
#include "query/match/matcher.h"

namespace septet::commands {
namespace {

constexpr int64_t kMaxCappedBytes = 1LL << 50;

struct CreateArgs {
  std::optional<bool> capped;
  bson::ValueView size, max;
  std::optional<bson::DocView> validator;
  std::optional<std::string_view> validation_level, validation_action;
  std::optional<std::string_view> view_on;
  ArrayView pipeline;
  bson::ValueView collation;
  std::optional<bson::DocView> id_index;
  std::optional<bool> auto_index_id;
  bson::DocView storage_engine;
  std::optional<bson::DocView> index_option_defaults;
  std::optional<bson::DocView> pre_and_post_images;
  bson::ValueView timeseries, clustered_index, encrypted_fields, expire_after, temp;
  int64_t flags = 0;
};

Status ParseArgs(bson::DocView body, CreateArgs* a) {
  RETURN_IF_ERROR(ParseFields(
      "create", body,
      {{"capped", &a->capped}, {"size", &a->size}, {"max", &a->max}, {"validator", &a->validator},
       {"validationLevel", &a->validation_level}, {"validationAction", &a->validation_action},
       {"viewOn", &a->view_on}, {"pipeline", &a->pipeline}, {"collation", &a->collation},
       {"idIndex", &a->id_index}, {"autoIndexId", &a->auto_index_id},
       {"storageEngine", &a->storage_engine}, {"indexOptionDefaults", &a->index_option_defaults},
       {"changeStreamPreAndPostImages", &a->pre_and_post_images}, {"timeseries", &a->timeseries},
       {"clusteredIndex", &a->clustered_index}, {"encryptedFields", &a->encrypted_fields},
       {"expireAfterSeconds", &a->expire_after}, {"temp", &a->temp}, {"flags", &a->flags}}));
  for (const auto& [name, value] : {std::pair("timeseries", a->timeseries),
                                    std::pair("clusteredIndex", a->clustered_index),
                                    std::pair("encryptedFields", a->encrypted_fields),
                                    std::pair("expireAfterSeconds", a->expire_after)}) {
    if (!value.missing()) {
      return Error(ErrorCode::kNotImplemented,
                   StrCat("the '", name, "' option of create is not implemented yet"));
    }
  }
  if (a->index_option_defaults) {
    bson::DocView engine;
    RETURN_IF_ERROR(ParseFields("create.indexOptionDefaults", *a->index_option_defaults,
                                {{"storageEngine", &engine}}, Strictness::kNoUnknownFields));
  }
  if (!a->temp.missing()) {
    return Error(ErrorCode::kInvalidOptions, "the 'temp' field is an invalid option");
  }
  return OkStatus();
}

Status ReadCapped(const CreateArgs& a, catalog::CreateOptions* out) {
  const bool capped = a.capped.value_or(false);
  if (!capped) {
    if (!a.size.missing() || !a.max.missing()) {
      return Error(ErrorCode::kInvalidOptions,
                   "the 'capped' field needs to be true when either the 'size' or 'max' fields are present");
    }
    return OkStatus();
  }
  if (a.size.missing()) {
    return Error(ErrorCode::kInvalidOptions, "the 'size' field is required when 'capped' is true");
  }
  if (!a.size.is_number()) {
    return WrongTypes("create", "size", a.size.type(), "long, int, decimal, double");
  }
  out->capped = true;
  out->capped_size = bson::ToInt64Clamped(a.size);
  if (out->capped_size < 1) {
    return Error(51024, StrCat("BSON field 'size' value must be >= 1, actual value '", out->capped_size, "'"));
  }
  if (out->capped_size > kMaxCappedBytes) {
    return Error(51024, StrCat("BSON field 'size' value must be <= ", kMaxCappedBytes,
                               ", actual value '", out->capped_size, "'"));
  }
  // Sizes are kept in steps of 256 bytes.
  out->capped_size = (out->capped_size + 255) & ~int64_t{255};
  if (a.max.is_number()) {
    const int64_t max = bson::ToInt64Clamped(a.max);
    out->capped_max = max <= 0 || max > INT32_MAX ? INT32_MAX : max;
  }
  return OkStatus();
}

Status CheckValidator(const CreateArgs& a) {
  if (a.validator && !a.validator->empty()) {
    query::MatchOptions options;
    options.allow_text = false;
    options.allow_geo_near = false;
    options.allow_where = false;
    RETURN_IF_ERROR(query::Matcher::Parse(*a.validator, options).status());
  }
  if (a.validation_level && *a.validation_level != "off" && *a.validation_level != "strict" &&
      *a.validation_level != "moderate") {
    return Error(ErrorCode::kBadValue, StrCat("Enumeration value '", *a.validation_level,
                                              "' for field 'create.validationLevel' is not a valid value."));
  }
  if (a.validation_action && *a.validation_action != "error" && *a.validation_action != "warn") {
    return Error(ErrorCode::kBadValue, StrCat("Enumeration value '", *a.validation_action,
                                              "' for field 'create.validationAction' is not a valid value."));
  }
  return OkStatus();
}

// The full collation document, empty for none or simple.
StatusOr<std::string> ReadCollation(bson::ValueView v) {
  if (v.missing()) {
    return std::string();
  }
  if (!v.is_object()) {
    return WrongType("create", "collation", v.type(), "object");
  }
  if (v.AsDoc().empty()) {
    return Error(ErrorCode::kBadValue, "'collation' cannot be empty");
  }
  ASSIGN_OR_RETURN(const auto collation, query::ParseCollation(v.AsDoc()));
  return collation == nullptr ? std::string() : collation->spec();
}

// The options as listCollections shows them.
std::string StoredOptions(const CreateArgs& a, const catalog::CreateOptions& options,
                          const std::string& collation) {
  bson::DocBuilder out;
  if (options.capped) {
    out.Append("capped", true);
    if (options.capped_size <= INT32_MAX) {
      out.Append("size", static_cast<int32_t>(options.capped_size));
    } else {
      out.Append("size", options.capped_size);
    }
    if (options.capped_max > 0) {
      out.Append("max", static_cast<int32_t>(options.capped_max));
    }
  }
  if (a.validator && !a.validator->empty()) {
    out.Append("validator", *a.validator);
    if (a.validation_level) {
      out.Append("validationLevel", *a.validation_level);
    }
    if (a.validation_action) {
      out.Append("validationAction", *a.validation_action);
    }
  }
  if (!a.storage_engine.empty()) {
    out.Append("storageEngine", a.storage_engine);
  }
  if (a.index_option_defaults) {
    out.Append("indexOptionDefaults", *a.index_option_defaults);
  }
  if (a.pre_and_post_images) {
    out.Append("changeStreamPreAndPostImages", *a.pre_and_post_images);
  }
  if (!collation.empty()) {
    out.Append("collation", bson::DocView(collation));
  }
  return out.Finish();
}

Status CreateView(catalog::Op* op, const Services& services, const catalog::Namespace& ns,
                  const CreateArgs& a, const std::string& collation) {
  RETURN_IF_ERROR(CheckViewPipeline(services, ns, *a.view_on, a.pipeline.doc));
  RETURN_IF_ERROR(CheckViewCycle(*services.catalog, ns, *a.view_on));
  bson::DocBuilder options;
  if (!collation.empty()) {
    options.Append("collation", bson::DocView(collation));
  }
  const std::string bytes = options.Finish();
  return services.catalog->CreateView(op, ns, *a.view_on, a.pipeline.doc, bson::DocView(bytes)).status();
}

Status Create(catalog::Op* op, const Services& services, const catalog::Namespace& ns,
              bson::DocView body) {
  CreateArgs a;
  RETURN_IF_ERROR(ParseArgs(body, &a));
  RETURN_IF_ERROR(catalog::ValidateCollectionName(ns));
  ASSIGN_OR_RETURN(const std::string collation, ReadCollation(a.collation));
  if (a.auto_index_id.has_value() && !*a.auto_index_id && !ns.is_local()) {
    return Error(50001, StrCat("autoIndexId:false is not allowed for collection ", ns.full(),
                               " because it can be replicated"));
  }
  catalog::CreateOptions options;
  if (!a.view_on) {
    RETURN_IF_ERROR(ReadCapped(a, &options));
    RETURN_IF_ERROR(CheckValidator(a));
    options.options = StoredOptions(a, options, collation);
    options.with_id_index = a.auto_index_id.value_or(true);
    if (a.id_index) {
      options.id_index_spec = a.id_index->ToBytes();
    }
  }
  const catalog::CollectionPtr existing = services.catalog->Find(ns.full());
  if (existing != nullptr) {
    const bool same = !a.view_on && !existing->is_view &&
                      bson::DocView(existing->options).raw() == bson::DocView(options.options).raw();
    return same ? OkStatus()
                : Error(ErrorCode::kNamespaceExists,
                        StrCat("Collection ", ns.full(), " already exists."));
  }
  if (a.view_on) {
    return CreateView(op, services, ns, a, collation);
  }
  return services.catalog->CreateCollection(op, ns, options).status();
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request, bson::DocBuilder*) {
  const StatusOr<catalog::Namespace> ns = CollectionOf(request);
  if (!ns.ok()) {
    return Outcome::Fail(ns.status());
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, ns = *ns, body = request.body]() {
    return Outcome::Of(Create(op, *all, ns, body));
  });
}

}  // namespace

extern const CommandSpec kCreateCommand;
const CommandSpec kCreateCommand{
    .name = "create",
    .aliases = {},
    .flags = kWrite | kTransactionOk,
    .help = "Creates a collection or a view",
    .fields = {"capped", "size", "max", "validator", "validationLevel", "validationAction", "viewOn",
               "pipeline", "collation", "idIndex", "autoIndexId", "storageEngine",
               "indexOptionDefaults", "changeStreamPreAndPostImages", "timeseries", "clusteredIndex",
               "encryptedFields", "expireAfterSeconds", "temp", "flags"},
    .api_version = "1",
    .run = Run,
};

}  // namespace septet::commands
