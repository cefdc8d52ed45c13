// SPDX-License-Identifier: Apache-2.0
// dataSize (S02-029): {dataSize: "db.coll", keyPattern, min, max, estimate, maxSize, maxObjects}
//   reply {estimate, size, numObjects, millis, maxReached}: of the whole collection, or of the documents whose
//   keys in an index lie in [min, max). splitVector and chunk tools ask so.
// Errors: 2 (only one bound), 73, 96 (no such index), 166.
#include "base/clock.h"
#include "base/strings.h"
#include "catalog/catalog.h"
#include "commands/ddl/in_pool.h"
#include "commands/ddl/sizes.h"
#include "commands/parse.h"
#include "commands/services.h"

namespace septet::commands {
namespace {

struct Args {
  bson::DocView key_pattern, min, max;
  LooseBool estimate;
  int64_t max_size = 0;
  int64_t max_objects = 0;
};

struct Sum {
  int64_t bytes = 0;
  int64_t objects = 0;
  bool max_reached = false;

  // False once a limit is passed.
  bool Add(int64_t size, const Args& args) {
    bytes += size;
    ++objects;
    max_reached = (args.max_size > 0 && bytes > args.max_size) ||
                  (args.max_objects > 0 && objects > args.max_objects);
    return !max_reached;
  }
};

// Are the fields of `pattern` the first ones of the index? Without a pattern the names of `min` count.
bool StartsWith(const index::Spec& spec, bson::DocView pattern, bson::DocView min) {
  const bool by_name = pattern.empty();
  const bson::DocView wanted = by_name ? min : pattern;
  auto have = bson::DocView(spec.key_pattern).begin();
  const auto end = bson::DocView(spec.key_pattern).end();
  for (const bson::ElementView e : wanted) {
    if (have == end || (*have).name() != e.name() ||
        (!by_name && bson::Compare((*have).value(), e.value()) != 0)) {
      return false;
    }
    ++have;
  }
  return true;
}

const catalog::IndexEntry* FindIndex(const catalog::CollectionInfo& c, const Args& args) {
  for (const auto& index : c.indexes) {
    const index::Spec& spec = index->spec;
    if (index->ready && spec.type == index::Type::kBtree && spec.partial_filter.empty() && !spec.sparse &&
        spec.collator == nullptr && StartsWith(spec, args.key_pattern, args.min)) {
      return index.get();
    }
  }
  return nullptr;
}

std::string Bound(const catalog::IndexEntry& index, bson::DocView values) {
  storage::KeyBuilder key(index.ident, index.spec.descending_mask);
  for (const bson::ElementView e : values) {
    key.Append(e.value());
  }
  key.Append(storage::Discriminator::kBefore);
  return key.TakeKey();
}

Status SumRange(catalog::Catalog* catalog, catalog::Op* op, const catalog::CollectionInfo& c,
                const Args& args, Sum* sum) {
  const catalog::IndexEntry* index = FindIndex(c, args);
  if (index == nullptr) {
    return Error(ErrorCode::kOperationFailed, "couldn't find valid index containing key pattern");
  }
  const auto snapshot = catalog::ReadSnapshot(catalog, op);
  const std::string end = Bound(*index, args.max);
  catalog::IndexCursor cursor(catalog->engine(), *index, snapshot, true);
  storage::PinnedValue record;
  for (cursor.Seek(Bound(*index, args.min)); cursor.valid() && cursor.key() < end; cursor.Next()) {
    RETURN_IF_ERROR(op->interrupt.Check());
    ASSIGN_OR_RETURN(const bool found, catalog::GetRecord(catalog->engine(), c, cursor.rid(),
                                                          snapshot.get(), &record));
    if (found && !sum->Add(static_cast<int64_t>(record.view().size()), args)) {
      break;
    }
  }
  return cursor.status();
}

Status SumAll(catalog::Catalog* catalog, catalog::Op* op, const catalog::CollectionInfo& c,
              const Args& args, Sum* sum) {
  // Both totals are exact, so only limits need a look at the documents.
  if (args.max_size <= 0 && args.max_objects <= 0) {
    sum->bytes = catalog::DataBytes(c);
    sum->objects = catalog::RecordCount(c);
    return OkStatus();
  }
  catalog::RecordCursor cursor(catalog->engine(), c, catalog::ReadSnapshot(catalog, op), true);
  for (cursor.SeekFirst(); cursor.valid(); cursor.Next()) {
    RETURN_IF_ERROR(op->interrupt.Check());
    if (!sum->Add(static_cast<int64_t>(cursor.bytes().size()), args)) {
      break;
    }
  }
  return cursor.status();
}

Outcome Measure(catalog::Op* op, const Services& services, const catalog::CollectionInfo& c,
                const Args& args, bson::DocBuilder* reply) {
  const int64_t start = MonotonicMicros();
  Sum sum;
  const bool whole = args.min.empty() && args.max.empty();
  const Status status = whole ? SumAll(services.catalog, op, c, args, &sum)
                              : SumRange(services.catalog, op, c, args, &sum);
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  reply->Append("estimate", whole && args.estimate.value);
  reply->Append("size", sum.bytes).Append("numObjects", sum.objects);
  reply->Append("millis", (MonotonicMicros() - start) / 1000);
  if (sum.max_reached) {
    reply->Append("maxReached", true);
  }
  return Outcome::Ok();
}

Outcome Run(catalog::Op* op, const Services& services, const Request& request,
            bson::DocBuilder* reply) {
  std::string_view name;
  Args args;
  Status status = ParseFields("dataSize", request.body,
                              {FieldBinding(request.name, &name, true), {"keyPattern", &args.key_pattern},
                               {"min", &args.min}, {"max", &args.max}, {"estimate", &args.estimate},
                               {"maxSize", &args.max_size}, {"maxObjects", &args.max_objects}});
  const catalog::Namespace ns = catalog::Namespace::Parse(name);
  if (status.ok() && ns.collection().empty()) {
    status = Error(ErrorCode::kInvalidNamespace, StrCat("Invalid namespace specified '", name, "'"));
  }
  if (status.ok() && args.min.empty() != args.max.empty()) {
    status = Error(ErrorCode::kBadValue, "only one of min or max specified");
  }
  if (!status.ok()) {
    return Outcome::Fail(status);
  }
  const catalog::CollectionPtr collection = services.catalog->Find(ns.full());
  if (collection == nullptr) {
    reply->Append("size", int64_t{0}).Append("numObjects", int64_t{0}).Append("millis", int64_t{0});
    return Outcome::Ok();
  }
  if (collection->is_view) {
    return Outcome::Fail(Error(ErrorCode::kCommandNotSupportedOnView,
                               StrCat("Namespace ", ns.full(), " is a view, not a collection")));
  }
  const Services* all = &services;
  return RunInPool(op, [op, all, collection, args, reply]() {
    return Measure(op, *all, *collection, args, reply);
  });
}

}  // namespace

extern const CommandSpec kDataSizeCommand;
const CommandSpec kDataSizeCommand{
    .name = "dataSize",
    .aliases = {"datasize"},
    .flags = kReadData,
    .help = "Bytes of documents in a collection, or in a range of keys of it",
    .fields = {"keyPattern", "min", "max", "estimate", "maxSize", "maxObjects"},
    .api_version = "",
    .run = Run,
};

}  // namespace septet::commands
